"""A whole training with Hugging Face's Trainer: saved, resumed, extended. `python huggingface.py FOLDER UPDATES`."""

import sys
from pathlib import Path

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, TrainingArguments

from glidepath.plan import Plan
from glidepath.transformers import Trainer

PLAN = Plan(
    'warmup("20%") >> cosine("rest", floor=0.1)',
    {"length": "12 updates"},
    feedback=[{"controller": "plateau(factor=0.5, patience=0)", "monitor": "eval_loss"}],
)


class Told(transformers.TrainerCallback):
    def on_save(self, args, state, control, **kwargs):
        last = next(row for row in reversed(state.log_history) if "loss" in row)
        print(f"update {state.global_step - 1}: loss {last['loss']}, rate {last['learning_rate']}", flush=True)


def train(folder, updates, plan=PLAN, resume="strict"):
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, max_position_embeddings=16, **shape))  # tiny, random
    words = torch.randint(0, 64, (64, 8), generator=torch.Generator().manual_seed(1))
    data = [{"input_ids": row, "labels": row} for row in words]
    args = TrainingArguments(
        folder,
        max_steps=updates,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        learning_rate=0.01,
        weight_decay=0.1,
        logging_steps=1,
        eval_strategy="steps",
        eval_steps=2,
        save_steps=1,
        save_total_limit=2,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
    )
    # The plan in one argument; resume= says what becomes of a checkpoint of another plan, such as a longer run's.
    trainer = Trainer(
        model, args, train_dataset=data, eval_dataset=data[:8], plan=plan, resume=resume, callbacks=[Told()]
    )
    whole = sorted(Path(folder).glob("checkpoint-*/trainer_state.json"), key=lambda file: file.stat().st_mtime)
    trainer.train(resume_from_checkpoint=str(whole[-1].parent) if whole else None)  # this file is written last
    return trainer


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    train(sys.argv[1], int(sys.argv[2]))
