using Understudy.Data;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>
/// How a language model is trained on plain text, from random weights or further: GPT-NeoX to tell the next token, RoBERTa to tell hidden words,
/// BART to restore spoilt text.
/// </summary>
public sealed record PretrainOptions
{
    private const int LeastPositions = 8;

    /// <summary>A folder, a name on the Hub, or <c>box://NAME</c>: the model whose training goes on, with its tokenizer; then <see cref="Tokenizer"/> and <see cref="Architecture"/> have no part, and its kind says what it is asked.</summary>
    /// <value>The default value is null: random weights.</value>
    [InputPath(Folder = true, OrModelName = true)]
    public string? Model { get; init; }

    /// <summary>Text files, one document a line; read in a random order.</summary>
    /// <value>It has no default value.</value>
    public required IReadOnlyList<CorpusOptions> Corpus { get; init; }

    /// <summary>Which documents are left out because they overlap with texts that models are measured on; the run's own validation and test rows always count.</summary>
    /// <value>The default value compares runs of 8 words, with no further files.</value>
    public DecontaminationOptions Decontaminate { get; init; } = new();

    /// <summary>The share of the documents that are written as speech recognition writes, in lower case without punctuation; from 0 to 1.</summary>
    /// <value>The default value is 0.</value>
    public double SpokenShare { get; init; }

    /// <summary>Whether the train rows that are not seeds and the unlabelled texts join the corpus. Labels are never read.</summary>
    /// <value>The default value is true.</value>
    public bool UnlabelledPool { get; init; } = true;

    /// <summary>How many times a document of the unlabelled pool counts against one of <see cref="Corpus"/>, at least 1.</summary>
    /// <value>The default value is 1.</value>
    public int UnlabelledRepeats { get; init; } = 1;

    /// <summary>The share of the documents held out to measure bits per byte, above 0 and below 1.</summary>
    /// <value>The default value is 0.005.</value>
    public double HeldOut { get; init; } = 0.005;

    /// <summary>The tokenizer that is learnt.</summary>
    /// <value>The default value is byte-level BPE with 8,192 tokens.</value>
    public TokenizerTrainingOptions Tokenizer { get; init; } = new();

    /// <summary>A tokenizer to take instead: a <c>tokenizer.json</c> that this project learnt.</summary>
    /// <value>The default value is null: one is learnt.</value>
    [InputPath]
    public string? TokenizerFile { get; init; }

    /// <summary>The shape of the model.</summary>
    /// <value>The default value is a GPT-NeoX of 6 layers, width 256 and 4 heads.</value>
    public ArchitectureOptions Architecture { get; init; } = new()
    {
        Family = ArchitectureFamily.GptNeox, NumHiddenLayers = 6, HiddenSize = 256, NumAttentionHeads = 4, Dropout = 0,
    };

    /// <summary>The most tokens of text to train on, at least 1; documents beyond them are left out. Every epoch of <see cref="Training"/> goes over them once.</summary>
    /// <value>The default value is null: all of the text.</value>
    public long? MaxTokens { get; init; }

    /// <summary>The training. Rows have <see cref="TrainingOptions.MaxLength"/> tokens, of one document after the other; no token sees another document than its own. Held-out text is measured every <see cref="TrainingOptions.EvalEvery"/> steps, or at the end alone; there is a checkpoint every 200 steps unless it says otherwise.</summary>
    /// <value>The default value is one epoch of batches of 32 x 128 tokens, learning rate 2e-3 falling along a cosine after 2% warm-up, weight decay 0.1, bf16.</value>
    public TrainingOptions Training { get; init; } = new()
    {
        Epochs = 1, BatchSize = 32, MaxLength = 128, LearningRate = 2e-3, Schedule = ScheduleType.Cosine, WarmupRatio = 0.02,
        WeightDecay = 0.1, AdamBeta2 = 0.95, Precision = PrecisionMode.Bf16, GroupByLength = false, KeepBest = false,
    };

    /// <summary>Documents are cut into shorter pieces at first; null for whole rows from the first step on.</summary>
    /// <value>The default value is null.</value>
    public LengthWarmupOptions? LengthWarmup { get; init; }

    /// <summary>What is hidden from RoBERTa.</summary>
    /// <value>The default value hides whole words, a fifth of the tokens.</value>
    public MaskingOptions Masking { get; init; } = new();

    /// <summary>How BART's text is spoilt.</summary>
    /// <value>The default value takes out 30% of the words in spans of 3 on average, and permutes sentences.</value>
    public DenoisingOptions Denoising { get; init; } = new();

    /// <summary>What the model writes on the way; null for nothing.</summary>
    /// <value>The default value is null.</value>
    [NotInFingerprint]
    public SampleOptions? Samples { get; init; }

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            Corpus.Count == 0 && !UnlabelledPool
                ? new OptionFault("corpus", "expected at least one text file, found none. Add one, or set 'unlabelled_pool' to true.")
                : null,
            NotBlank("model", Model),
            NotBlank("tokenizer_file", TokenizerFile),
            Model is not null && TokenizerFile is not null ? new OptionFault("tokenizer_file", "has no part beside 'model', which has its own tokenizer. Remove one.") : null,
            Between("spoken_share", SpokenShare, 0, 1),
            AtLeast("unlabelled_repeats", UnlabelledRepeats, 1),
            AboveToBelow("held_out", HeldOut, 0, 1),
            AtLeast("max_tokens", MaxTokens, 1),
            Architecture.Family == ArchitectureFamily.Bert
                ? new OptionFault("architecture.family", "expected gpt_neox, roberta or bart, found bert, whose second objective is not there. Use roberta.")
                : null,
            Tokenizer.Kind != TokenizerKind.ByteLevelBpe
                ? new OptionFault("tokenizer.kind", "expected byte_level_bpe, since what a model writes must come back from its tokens as it was, found word_piece.")
                : null,
            Model is null && Architecture.MaxPositionEmbeddings is > 1 and < LeastPositions
                ? new OptionFault("architecture.max_position_embeddings", $"expected at least {LeastPositions}, so that some text stands between the tokens around it, found {Architecture.MaxPositionEmbeddings}.")
                : null,
            LengthWarmup is not null && Training.MaxMinutes is not null
                ? new OptionFault("length_warmup", "needs a number of steps, and 'training.max_minutes' ends the training by the clock. Set 'training.max_steps' instead.")
                : null,
            Training.EarlyStoppingPatience is null ? null : new OptionFault("training.early_stopping_patience", "has no effect on pre-training. Remove it.")),
        .. Corpus.SelectMany((corpus, i) => corpus.Validate().Select(fault => fault.Under($"corpus[{i}]"))),
        .. Decontaminate.Validate().Select(fault => fault.Under("decontaminate")),
        .. Tokenizer.Validate().Select(fault => fault.Under("tokenizer")),
        .. Architecture.Validate().Select(fault => fault.Under("architecture")),
        .. Training.Validate().Select(fault => fault.Under("training")),
        .. (LengthWarmup?.Validate() ?? []).Select(fault => fault.Under("length_warmup")),
        .. Masking.Validate().Select(fault => fault.Under("masking")),
        .. Denoising.Validate().Select(fault => fault.Under("denoising")),
        .. (Samples?.Validate() ?? []).Select(fault => fault.Under("samples")),
    ];
}
