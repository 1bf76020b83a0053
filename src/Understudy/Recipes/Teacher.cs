using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Synthesis;
using Understudy.Tokenization;

namespace Understudy.Recipes;

/// <summary>A teacher at work: model, tokenizer, and the task in its tokens.</summary>
public sealed class Teacher : IDisposable
{
    private readonly string source;
    private LoraModel? lora;

    private Teacher(string source, ICausalLanguageModel model, Tokenizer tokenizer, int endOfText, int padding, TeacherRows rows)
    {
        this.source = source;
        Model = model;
        Tokenizer = tokenizer;
        EndOfText = endOfText;
        Padding = padding;
        Rows = rows;
    }

    /// <summary>The language model; dropout off.</summary>
    public ICausalLanguageModel Model { get; }

    /// <summary>The adapter at work; null when there is none, or when it is merged into the weights.</summary>
    public LoraAdapter? Adapter => lora is { IsMerged: false } ? lora.Active : null;

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Id of the token that ends a text.</summary>
    public int EndOfText { get; }

    /// <summary>Id that fills short rows.</summary>
    internal int Padding { get; }

    internal TeacherRows Rows { get; }

    /// <summary>Loads a teacher from a Hugging Face folder, or from a PEFT folder and that of its base.</summary>
    /// <param name="folder">A causal language model with its tokenizer, or an adapter of one.</param>
    /// <param name="task">The task.</param>
    /// <param name="options">How the weights are held.</param>
    /// <param name="maxLength">The most tokens of a row; null for what the model takes.</param>
    /// <param name="adapterBase">The folder of an adapter's base; null to look for it where the adapter says.</param>
    /// <exception cref="InvalidDataException">The folder does not hold a causal model and its tokenizer, names no end-of-text token, rows are too short for the labels, or an adapter does not fit its base.</exception>
    public static Teacher Load(string folder, ClassificationTask task, LoadOptions options, int? maxLength = null, string? adapterBase = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var source = AdapterFolder.SourceOf(folder, adapterBase);
        var tokenizer = Tokenizer.FromFolder(source);
        var config = ConfigJson.Read(source);
        _ = EndOfTextOf(config);
        var model = AutoModel.LoadCausalLanguageModel(source, options);
        Teacher? teacher = null;
        try
        {
            teacher = new Teacher(source, model, tokenizer, EndOfTextOf(config), PaddingOf(config), RowsOf(config, tokenizer, task, Math.Min(maxLength ?? model.MaxLength, model.MaxLength)));
            if (AdapterFolder.Recognises(folder))
            {
                teacher.lora = new LoraModel(model);
                teacher.lora.Load(folder);
            }

            return teacher;
        }
        catch
        {
            if (teacher is null) model.Dispose();
            else teacher.Dispose();
            throw;
        }
    }

    /// <summary>The task in the tokens of a model.</summary>
    /// <param name="config">The model's configuration, which names the special tokens.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="task">The task.</param>
    /// <param name="maxLength">The most tokens of a row.</param>
    /// <exception cref="InvalidDataException">It names no end-of-text token, or rows are too short for the labels.</exception>
    internal static TeacherRows RowsOf(ConfigJson config, Tokenizer tokenizer, ClassificationTask task, int maxLength) =>
        new(tokenizer, task, config.TokenId("bos_token_id") ?? EndOfTextOf(config), EndOfTextOf(config), maxLength);

    /// <summary>Id that fills short rows.</summary>
    internal static int PaddingOf(ConfigJson config) => config.TokenId("pad_token_id") ?? EndOfTextOf(config);

    private static int EndOfTextOf(ConfigJson config) => config.OptionalInt("eos_token_id") ?? throw config.Fault("'eos_token_id' is missing; a teacher needs a token that ends a text.");

    /// <summary>Puts a new adapter on the model, whose own weights are frozen.</summary>
    /// <param name="config">What it looks like.</param>
    /// <param name="seed">Seed of its weights.</param>
    /// <param name="toMerge">Whether it will be merged: what cannot be is refused now, and not after the tuning.</param>
    internal void Adapt(LoraConfig config, long seed, bool toMerge)
    {
        lora = new LoraModel(Model);
        lora.Add(config, seed);
        if (toMerge) lora.RequireMergeable();
    }

    /// <summary>Adds the adapter to the weights.</summary>
    internal void Merge() => lora!.Merge();

    /// <summary>Gives back what inference does not need: the teacher cannot be trained or saved any more. For inside of an <see cref="Torch.torch.autocast"/> of the arithmetic that follows.</summary>
    internal void ForInferenceAlone() => PackedModel.Of(Model)?.GiveBackSource();

    /// <summary>Scores the task's labels after prompts.</summary>
    /// <param name="options">Whether scores are normalized and calibrated.</param>
    internal LabelScorer Scorer(AnnotateOptions options)
    {
        var scorer = new LabelScorer(Model, Rows.LabelTokens, options.LengthNormalize);
        if (options.Calibrate)
        {
            scorer.Calibrate([Rows.ContentFreePrompt()]);
        }

        return scorer;
    }

    /// <summary>Saves model and tokenizer as a Hugging Face folder, with the files that Python's libraries read beside them.</summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="maxShardSize">The most bytes of weights in one file.</param>
    public void Save(string folder, long maxShardSize = SafeTensorsShardWriter.DefaultMaxShardSize)
    {
        var stored = Path.Combine(source, "generation_config.json");
        var generation = File.Exists(stored) ? ConfigJson.ReadFile(stored).Root : [];
        generation.TryAdd("eos_token_id", EndOfText);
        generation.TryAdd("pad_token_id", Padding);
        PretrainedFolder.Save(Model, folder, Tokenizer, new SaveOptions { MaxShardSize = maxShardSize, Source = source, GenerationConfig = generation });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lora?.Dispose();
        Model.Dispose();
    }
}
