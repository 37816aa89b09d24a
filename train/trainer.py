"""Fine-tunes the task's model with `transformers.Trainer`, or trains a small one from scratch."""

import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from datasets import Dataset
from sklearn.metrics import f1_score
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from tqdm import tqdm
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoTokenizer,
    BaseImageProcessor,
    DataCollatorWithPadding,
    DefaultDataCollator,
    EvalPrediction,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    ViTImageProcessor,
)
from transformers.trainer_utils import get_last_checkpoint

from bentos.task import Task, TaskError
from bentos.torch_model import AUTO_CLASS
from train.data import Split, Splits
from train.picture_rows import PictureRows, preprocess_like
from train.regression import Scale, rank_correlation, scale_of

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


SHOWN = ("accuracy", "micro_f1", "rmse")  # after an epoch, beside the loss


def make_trainer(task: Task, splits: Splits, folder: Path, show_progress: bool = False) -> Trainer:
    """A `transformers.Trainer` over the splits, checkpoints in `folder`.

    `task.training` goes into `TrainingArguments` word for word, so whatever the Trainer can do
    (`report_to`, `bf16`, `hyperparameter_search`, several devices by torchrun) it does here.
    Raises TaskError for an argument that TrainingArguments refuses or a model that cannot be had.
    """
    scale = label_scale(task, splits)
    prepared = PREPARE[task.pipeline_tag](task, splits, scale)
    if task.model_name_or_path is None:
        # A step of so small a model is a hundred tiny products: shared by two threads they are no faster,
        # and beside one busy neighbour they were 15 times slower.
        torch.set_num_threads(1)
    trainer: Trainer = Trainer(
        model_init=model_maker(task, prepared.overrides),
        args=training_arguments(task, folder),
        train_dataset=prepared.train,
        eval_dataset=prepared.validation,
        processing_class=prepared.processor,
        data_collator=prepared.collator,
        compute_metrics=lambda prediction: EPOCH_METRICS[task.problem_type](prediction, scale),
        callbacks=[ProgressReport(show_progress)],
    )
    trainer.remove_callback(PrinterCallback)  # it prints a dict for every log entry
    return trainer


def fit(trainer: Trainer) -> list[dict[str, Any]]:
    """Train, from the last checkpoint where a killed run left one; the log history, a dict a step."""
    folder = Path(str(trainer.args.output_dir))
    checkpoint = get_last_checkpoint(folder) if folder.is_dir() else None
    if checkpoint and trainer.is_world_process_zero():
        print(f"Going on from {checkpoint}")
    with warnings.catch_warnings():
        # of epochs of less than a second: it then goes by the checkpoints' numbers, which are right
        warnings.filterwarnings("ignore", message="mtime may not be reliable")
        trainer.train(resume_from_checkpoint=checkpoint)
    return list(trainer.state.log_history)


def trained_folder(trainer: Trainer, folder: Path) -> Path:
    """Model and tokenizer saved in `folder`, afresh; `Trainer.save_model` would add a pickle."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in (trainer.model, trainer.processing_class):
        cast(PreTrainedModel, part).save_pretrained(folder)
    return folder


class Prepared(NamedTuple):
    """What the Trainer needs of a task's inputs."""

    processor: Any  # a tokenizer or an image processor, saved beside the model
    train: Any
    validation: Any
    collator: Any
    overrides: dict[str, Any]  # of the config of a model from scratch


def prepare_texts(task: Task, splits: Splits, scale: Scale) -> Prepared:
    """Tokenized texts."""
    tokenizer = load_tokenizer(task, splits.train.texts)
    train, validation = (encode(split, tokenizer, task, scale) for split in (splits.train, splits.validation))
    overrides = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    return Prepared(tokenizer, train, validation, DataCollatorWithPadding(tokenizer), overrides)


def prepare_pictures(task: Task, splits: Splits, scale: Scale) -> Prepared:
    """Pictures as the service will decode them; random parts of those to learn from."""
    processor = load_image_processor(task)
    preprocess = preprocess_like(processor, task)
    train = PictureRows(splits.train.texts, splits.train.labels, preprocess, augmented=True)
    validation = PictureRows(splits.validation.texts, splits.validation.labels, preprocess, augmented=False)
    return Prepared(processor, train, validation, DefaultDataCollator(), {})


PREPARE: dict[str, Callable[[Task, Splits, Scale], Prepared]] = {
    "text-classification": prepare_texts,
    "image-classification": prepare_pictures,
}


@torch.no_grad()
def answer_in_units(model: torch.nn.Module, scale: Scale) -> None:
    """Put the scale into the last product of a trained model, so that it answers in the labels' own units.

    Raises TaskError where that product has no bias.
    """
    *_, head = (module for module in model.modules() if isinstance(module, torch.nn.Linear))
    if head.bias is None:
        raise TaskError(f"{type(model).__name__} ends without a bias; choose another model_name_or_path.")
    head.weight.mul_(scale.deviation)
    head.bias.mul_(scale.deviation).add_(scale.mean)


def training_arguments(task: Task, folder: Path) -> TrainingArguments:
    """Our defaults, overridden by every key of `task.training`."""
    defaults: dict[str, Any] = {
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "per_device_eval_batch_size": 64,
        "logging_steps": 20,
        "group_by_length": not task.reads_pictures,
        "length_column_name": "length",
        "report_to": "none",
        "use_cpu": not torch.accelerator.is_available(),  # without it bf16 is refused on a CPU that has it
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "disable_tqdm": True,  # ProgressReport draws the bar
        "log_level": "error",  # the random head of a new classifier is no surprise
    }
    try:
        return TrainingArguments(output_dir=str(folder), **{**defaults, **task.training})
    except (TypeError, ValueError) as error:
        raise TaskError(f"training: transformers.TrainingArguments refuses it: {error}") from error


def load_tokenizer(task: Task, texts: Sequence[Any]) -> PreTrainedTokenizerBase:
    """The base model's own tokenizer, or a WordPiece one trained on `texts` for a model from scratch."""
    if task.model_name_or_path is None:
        return train_tokenizer(texts, int(task.config_overrides.get("vocab_size", 8000)), task.max_seq_length)
    return _from_pretrained(AutoTokenizer.from_pretrained, task.model_name_or_path)  # type: ignore[no-any-return]


def load_image_processor(task: Task) -> BaseImageProcessor:
    """The base model's own image processor; from scratch ViT's, in the size that `config_overrides` says."""
    if task.model_name_or_path is not None:
        load = AutoImageProcessor.from_pretrained
        return _from_pretrained(load, task.model_name_or_path, use_fast=False)  # type: ignore[no-any-return]
    side = AutoConfig.for_model(str(task.model_type), **task.config_overrides).image_size
    return ViTImageProcessor(size={"height": side, "width": side})


def train_tokenizer(texts: Sequence[Any], vocab_size: int, max_length: int) -> PreTrainedTokenizerFast:
    """A lower-casing WordPiece tokenizer in BERT's form; pairs count as two texts."""
    tokenizer = Tokenizer(models.WordPiece(learn_vocabulary(texts, vocab_size), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=max_length, **SPECIAL_TOKENS)


def learn_vocabulary(texts: Sequence[Any], vocab_size: int) -> dict[str, int]:
    """WordPiece tokens with their ids, the same ones in every process.

    The trainer meets word endings in hash order, another one in each process, and breaks ties by that
    order. So the single characters that continue a word are numbered before it starts, as special tokens.
    """
    normalizer = normalizers.BertNormalizer(lowercase=True)
    parts = (part for text in texts for part in ([text] if isinstance(text, str) else text))
    normal = [normalizer.normalize_str(part) for part in parts]
    endings = sorted({f"##{character}" for part in normal for character in part})
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=[*SPECIAL_TOKENS.values(), *endings], show_progress=False
    )
    draft = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    draft.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    draft.train_from_iterator(normal, trainer)
    return dict(draft.get_vocab())


def model_maker(task: Task, overrides: dict[str, Any]) -> Callable[[], PreTrainedModel]:
    """A function that makes the untrained model: the Trainer calls it after setting the seed."""
    names = {
        "id2label": dict(enumerate(task.labels)),
        "label2id": {label: i for i, label in enumerate(task.labels)},
        "problem_type": task.problem_type,
    }
    auto = AUTO_CLASS[task.pipeline_tag]
    if task.model_name_or_path:
        path = task.model_name_or_path
        return lambda: _from_pretrained(auto.from_pretrained, path, ignore_mismatched_sizes=True, **names)
    config = AutoConfig.for_model(str(task.model_type), **{**task.config_overrides, **overrides}, **names)
    return lambda: auto.from_config(config)


def label_scale(task: Task, splits: Splits) -> Scale:
    """That of the training labels of a regression; classes have none."""
    return scale_of(splits.train.labels) if task.problem_type == "regression" else Scale()


def encode(split: Split, tokenizer: PreTrainedTokenizerBase, task: Task, scale: Scale) -> Dataset:
    """A data set of input ids, labels and lengths, cut at `task.max_seq_length`, unpadded."""
    pairs = [(text, None) if isinstance(text, str) else text for text in split.texts]
    first, second = [p[0] for p in pairs], [p[1] for p in pairs]
    columns = dict(
        tokenizer(
            first,
            second if second and second[0] is not None else None,
            truncation=True,
            max_length=task.max_seq_length,
        )
    )
    labels = split.labels
    if task.problem_type == "regression":
        labels = [(label - scale.mean) / scale.deviation for label in labels]
    return Dataset.from_dict({**columns, "label": labels, "length": [len(i) for i in columns["input_ids"]]})


def class_epoch(prediction: EvalPrediction, scale: Scale) -> dict[str, float]:
    """Accuracy and macro F1 of the validation split after an epoch."""
    logits, truth = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
    guess = logits.argmax(axis=-1)
    return {
        "accuracy": float((guess == truth).mean()),
        "macro_f1": float(f1_score(truth, guess, average="macro", zero_division=0)),
    }


def labels_epoch(prediction: EvalPrediction, scale: Scale) -> dict[str, float]:
    """Of several labels, micro and macro F1."""
    given, truth = np.asarray(prediction.predictions) >= 0, np.asarray(prediction.label_ids) > 0
    kinds = ("micro", "macro")
    return {f"{kind}_f1": float(f1_score(truth, given, average=kind, zero_division=0)) for kind in kinds}


def regression_epoch(prediction: EvalPrediction, scale: Scale) -> dict[str, float]:
    """Of a regression, RMSE in the labels' own units and Spearman's rank correlation."""
    answers = np.asarray(prediction.predictions, np.float64).ravel()
    truth = np.asarray(prediction.label_ids, np.float64).ravel()
    rmse = scale.deviation * float(np.sqrt(np.mean((answers - truth) ** 2)))
    return {"rmse": rmse, "spearman": rank_correlation(answers, truth)}


EPOCH_METRICS = {
    "single_label_classification": class_epoch,
    "multi_label_classification": labels_epoch,
    "regression": regression_epoch,
}


class ProgressReport(TrainerCallback):
    """A progress bar on a terminal, and one line an epoch everywhere."""

    def __init__(self, show_bar: bool) -> None:
        self._show_bar = show_bar
        self._bar: tqdm[Any] | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        hidden = not (self._show_bar and state.is_world_process_zero)
        self._bar = tqdm(total=state.max_steps, initial=state.global_step, desc="training", disable=hidden)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero:
            tqdm.write(_epoch_line(args, state, kwargs["metrics"]))

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _epoch_line(args: TrainingArguments, state: TrainerState, metrics: dict[str, float]) -> str:
    losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
    return (
        f"epoch {state.epoch:.0f} of {args.num_train_epochs:g}  "
        + (f"training loss {losses[-1]:.3f}  " if losses else "")
        + f"validation loss {metrics['eval_loss']:.3f}  "
        + "  ".join(f"{name} {metrics[f'eval_{name}']:.3f}" for name in SHOWN if f"eval_{name}" in metrics)
    )


def _from_pretrained(load: Callable[..., Any], name_or_path: str, **options: Any) -> Any:
    """Load from a folder or the Hub; a model that cannot be had becomes a TaskError that says what to do."""
    try:
        return load(name_or_path, **options)
    except (OSError, ValueError) as error:
        raise TaskError(
            f"model_name_or_path: '{name_or_path}' is no folder here and could not be fetched from the "
            "Hugging Face Hub. Go online once, or download it elsewhere and give its folder: "
            f"--set model_name_or_path=FOLDER ({str(error).splitlines()[0]})"
        ) from error
