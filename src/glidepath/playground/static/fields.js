// Boxes for numbers: read as people write them, and marked as long as what stands in them is not used.

/** The number that a text is, with separators of thousands and full-width digits; NaN where it is none. */
export function numberOf(text) {
  const plain = plainly(text);
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

/** A text with ordinary digits and without separators of thousands: what the schedules' own reader takes. */
export function plainly(text) {
  const plain = text.normalize("NFKC").trim().replaceAll("−", "-");
  return /^[-+]?\d{1,3}(,\d{3})+(\.\d+)?( ?[a-z%]+)?$/i.test(plain) ? plain.replaceAll(",", "") : plain;
}

/** Marks a box as refused, with the reason beside it, or takes the mark away. */
export function mark(box, message, error = null) {
  box.setAttribute("aria-invalid", String(Boolean(message)));
  box.classList.toggle("bad", Boolean(message));
  if (error) error.textContent = message;
}

/**
 * A box whose number is used as soon as it is right, and which is marked while it is not.
 *
 * @param box the input
 * @param error the element beside it
 * @param read what becomes of the text: a number, or null where empty is allowed; NaN is refused
 * @param right tells whether the number may be used
 * @param rule the sentence for what may not, given the text
 * @param take is called with what may
 */
export function watch(box, { error, read = numberOf, right, rule, take }) {
  box.addEventListener("input", () => {
    const value = read(box.value);
    const good = !Number.isNaN(value) && right(value);
    mark(box, good ? "" : rule(box.value), error);
    if (good) take(value);
  });
}
