using Understudy.Data;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>A small model and how it is trained. Give <see cref="Model"/> or <see cref="Architecture"/>.</summary>
public sealed record StudentOptions
{
    /// <summary>What the student is called in tables and folders: letters, digits, <c>.</c>, <c>_</c> and <c>-</c>.</summary>
    /// <value>It has no default value.</value>
    public required string Name { get; init; }

    /// <summary>A Hugging Face folder to start from, or the name of one in the box, <c>box://NAME</c>, or on the Hub: <c>OWNER/NAME</c> or <c>hf://OWNER/NAME@REVISION</c>.</summary>
    /// <value>The default value is null: the student starts from random weights.</value>
    [InputPath(Folder = true, OrModelName = true)]
    public string? Model { get; init; }

    /// <summary>The shape of a student that starts from random weights.</summary>
    /// <value>The default value is null: the student starts from <see cref="Model"/>.</value>
    public ArchitectureOptions? Architecture { get; init; }

    /// <summary>The tokenizer of a student that starts from random weights, learnt from the seeds and the unlabelled pool.</summary>
    /// <value>The default value is byte-level BPE with 8,192 tokens.</value>
    public TokenizerTrainingOptions Tokenizer { get; init; } = new();

    /// <summary>A small adapter that is trained in place of the weights of <see cref="Model"/>, together with the classification head.</summary>
    /// <value>The default value is null: all weights are trained.</value>
    public LoraOptions? Lora { get; init; }

    /// <summary>The training.</summary>
    /// <value>The default value is 20 epochs of batches of 16, learning rate 1e-4 falling in a straight line after 10% warm-up.</value>
    public TrainingOptions Training { get; init; } = new() { Epochs = 20, LearningRate = 1e-4, WarmupRatio = 0.1 };

    /// <summary>How it is trained on arms with synthetic rows, which have many more rows than the seeds.</summary>
    /// <value>The default value is null: as <see cref="Training"/> says.</value>
    public TrainingOptions? SyntheticTraining { get; init; }

    /// <summary>How it is trained on an arm.</summary>
    internal TrainingOptions TrainingOn(RunArm arm) => arm == RunArm.SeedsOnly ? Training : SyntheticTraining ?? Training;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            FileName("name", Name),
            Name == ArmComparison.TeacherArm ? new OptionFault("name", "is what the teacher is called in tables and comparisons. Choose another one.") : null,
            NotBlank("model", Model),
            Model is null && Architecture is null ? new OptionFault("", "expected 'model' or 'architecture', found neither.") : null,
            Model is not null && Architecture is not null ? new OptionFault("", "'model' and 'architecture' exclude each other. Remove one.") : null,
            Lora is not null && Model is null ? new OptionFault("lora", "needs 'model': an adapter changes a model that has learnt something. Remove it, or name a model.") : null,
            Lora is not null && Training.Optimizer == OptimizerType.Muon ? new OptionFault("training.optimizer", TrainingOptions.MuonForAdapter) : null,
            Lora is not null && SyntheticTraining?.Optimizer == OptimizerType.Muon ? new OptionFault("synthetic_training.optimizer", TrainingOptions.MuonForAdapter) : null,
            Architecture?.Family is ArchitectureFamily.GptNeox or ArchitectureFamily.Bart
                ? new OptionFault("architecture.family", $"expected roberta or bert, since a student classifies, found {(Architecture.Family == ArchitectureFamily.Bart ? "bart" : "gpt_neox")}.")
                : null,
            Architecture?.TieWordEmbeddings == true
                ? new OptionFault("architecture.tie_word_embeddings", "has no effect: a classifier's output layer has one row for each label. Remove it.")
                : null,
            Model is not null && Tokenizer != new TokenizerTrainingOptions()
                ? new OptionFault("tokenizer", "has no effect: a student that starts from 'model' takes the tokenizer in that folder. Remove it.")
                : null),
        .. (Architecture?.Validate() ?? []).Select(fault => fault.Under("architecture")),
        .. (Lora?.Validate() ?? []).Select(fault => fault.Under("lora")),
        .. Tokenizer.Validate().Select(fault => fault.Under("tokenizer")),
        .. Training.Validate().Select(fault => fault.Under("training")),
        .. (SyntheticTraining?.Validate() ?? []).Select(fault => fault.Under("synthetic_training")),
    ];
}
