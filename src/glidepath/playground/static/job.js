// Work on the server that takes a while: a button that starts it, how far it is, a cancel, and what it says as it goes.

import { h, say, whole } from "./dom.js";
import { ask } from "./ask.js";
import { t } from "./words.js";

export class Work {
  /**
   * @param label what the button says
   * @param name what screen readers are told is going on
   * @param context {request(): [path, body], begin(), hear(event), refused(problems), ended(event): text}
   */
  constructor(label, name, context) {
    this.context = context;
    this.button = h("button", { type: "button", class: "main", onclick: () => this.start() }, label);
    this.stop = h("button", { type: "button", hidden: true, onclick: () => this.cancel() }, t("cancel"));
    this.bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": name });
    this.said = h("p", { class: "hint", "aria-live": "polite" });
  }

  async start() {
    this.said.textContent = t("job.starting");
    this.button.disabled = true;
    try {
      this.job = (await ask(...this.context.request())).job;
    } catch (error) {
      this.said.textContent = "";
      this.button.disabled = false;
      this.context.refused(error.problems ?? [{ field: "", message: error.message }]);
      return;
    }
    this.context.begin();
    this.stop.hidden = this.bar.hidden = false;
    this.bar.value = 0;
    const events = new EventSource(`api/jobs/${this.job}/events`);
    events.onmessage = (message) => this.hear(JSON.parse(message.data), events);
    events.onerror = () => { events.close(); this.over(t("job.lost")); };
  }

  hear(event, events) {
    if (event.type === "progress") {
      this.bar.value = event.done / event.total;
      this.said.textContent = t("job.progress", { done: whole(event.done), total: whole(event.total) }) + (event.left === null ? "" : t("job.left", { s: Math.ceil(event.left) }));
    } else if (event.type === "cancelled" || event.type === "error") {
      events.close();
      this.over(event.type === "cancelled" ? t("job.cancelled") : event.message);
    } else {
      this.context.hear(event);
      if (event.type !== "end") return;
      events.close();
      this.over(this.context.ended(event));
    }
  }

  over(message) {
    this.said.textContent = message;
    this.button.disabled = false;
    this.stop.hidden = this.bar.hidden = true;
    say(message);
  }

  async cancel() {
    this.said.textContent = t("job.cancelling");
    try { await ask(`jobs/${this.job}/cancel`, {}); } catch { /* it has ended */ }
  }
}
