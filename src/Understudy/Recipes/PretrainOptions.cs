using Understudy.Data;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>How a language model is trained from random weights on plain text.</summary>
public sealed record PretrainOptions
{
    /// <summary>Text files, one document a line, gzip allowed; read in a random order.</summary>
    /// <value>It has no default value.</value>
    [InputPath]
    public required IReadOnlyList<string> Corpus { get; init; }

    /// <summary>Whether the train rows that are not seeds and the unlabelled texts join the corpus. Labels are never read.</summary>
    /// <value>The default value is true.</value>
    public bool UnlabelledPool { get; init; } = true;

    /// <summary>How many times a document of the unlabelled pool counts against one of <see cref="Corpus"/>, at least 1.</summary>
    /// <value>The default value is 1.</value>
    public int UnlabelledRepeats { get; init; } = 1;

    /// <summary>The share of the documents held out to measure bits per byte, above 0 and below 1.</summary>
    /// <value>The default value is 0.005.</value>
    public double HeldOut { get; init; } = 0.005;

    /// <summary>The tokenizer.</summary>
    /// <value>The default value is byte-level BPE with 8,192 tokens.</value>
    public TokenizerTrainingOptions Tokenizer { get; init; } = new();

    /// <summary>The shape of the model.</summary>
    /// <value>The default value is a GPT-NeoX of 6 layers, width 256 and 4 heads.</value>
    public ArchitectureOptions Architecture { get; init; } = new()
    {
        Family = ArchitectureFamily.GptNeox, NumHiddenLayers = 6, HiddenSize = 256, NumAttentionHeads = 4, Dropout = 0,
    };

    /// <summary>The most tokens of text to train on, at least 1; documents beyond them are left out. Every epoch of <see cref="Training"/> goes over them once.</summary>
    /// <value>The default value is null: all of the text.</value>
    public long? MaxTokens { get; init; }

    /// <summary>The training. Rows are filled with whole documents up to <see cref="TrainingOptions.MaxLength"/> tokens.</summary>
    /// <value>The default value is one epoch of batches of 32 x 128 tokens, learning rate 2e-3 falling along a cosine after 2% warm-up, weight decay 0.1, bf16.</value>
    public TrainingOptions Training { get; init; } = new()
    {
        Epochs = 1, BatchSize = 32, MaxLength = 128, LearningRate = 2e-3, Schedule = ScheduleType.Cosine, WarmupRatio = 0.02,
        WeightDecay = 0.1, AdamBeta2 = 0.95, Precision = PrecisionMode.Bf16, GroupByLength = false, KeepBest = false,
    };

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            Corpus.Count == 0 && !UnlabelledPool
                ? new OptionFault("corpus", "expected at least one text file, found none. Add one, or set 'unlabelled_pool' to true.")
                : null,
            AtLeast("unlabelled_repeats", UnlabelledRepeats, 1),
            AboveToBelow("held_out", HeldOut, 0, 1),
            AtLeast("max_tokens", MaxTokens, 1),
            Architecture.Family != ArchitectureFamily.GptNeox
                ? new OptionFault("architecture.family", $"expected gpt_neox, since only a decoder can teach, found {Architecture.Family.ToString().ToLowerInvariant()}.")
                : null,
            Tokenizer.Kind != TokenizerKind.ByteLevelBpe
                ? new OptionFault("tokenizer.kind", "expected byte_level_bpe, since what a teacher writes must come back from its tokens as it was, found word_piece.")
                : null,
            NotEvaluated("eval_every", Training.EvalEvery),
            NotEvaluated("early_stopping_patience", Training.EarlyStoppingPatience)),
        .. Corpus.Select((path, i) => NotBlank($"corpus[{i}]", path)).OfType<OptionFault>(),
        .. Tokenizer.Validate().Select(fault => fault.Under("tokenizer")),
        .. Architecture.Validate().Select(fault => fault.Under("architecture")),
        .. Training.Validate().Select(fault => fault.Under("training")),
    ];

    private static OptionFault? NotEvaluated(string key, int? value) => value is null
        ? null
        : new OptionFault($"training.{key}", "has no effect: pre-training is measured once, at its end. Remove it.");
}
