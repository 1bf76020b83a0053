using System.Text.Json;
using Understudy.Data;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>A teacher at work: model, tokenizer, and the task in its tokens.</summary>
public sealed class Teacher : IDisposable
{
    private Teacher(ICausalLanguageModel model, Tokenizer tokenizer, int endOfText, int padding, TeacherRows rows)
    {
        Model = model;
        Tokenizer = tokenizer;
        EndOfText = endOfText;
        Padding = padding;
        Rows = rows;
    }

    /// <summary>The language model; dropout off.</summary>
    public ICausalLanguageModel Model { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Id of the token that ends a text.</summary>
    public int EndOfText { get; }

    /// <summary>Id that fills short rows.</summary>
    internal int Padding { get; }

    internal TeacherRows Rows { get; }

    /// <summary>Loads a teacher from a Hugging Face folder.</summary>
    /// <param name="folder">A causal language model with its tokenizer.</param>
    /// <param name="task">The task.</param>
    /// <param name="device">Where the weights are put.</param>
    /// <param name="maxLength">The most tokens of a row; null for what the model takes.</param>
    /// <exception cref="InvalidDataException">The folder does not hold a causal model and its tokenizer, names no end-of-text token, or rows are too short for the labels.</exception>
    public static Teacher Load(string folder, ClassificationTask task, Device device, int? maxLength = null)
    {
        var tokenizer = Tokenizer.FromFolder(folder);
        var config = ConfigJson.Read(folder);
        var end = config.OptionalInt("eos_token_id") ?? throw config.Fault("'eos_token_id' is missing; a teacher needs a token that ends a text.");
        var model = AutoModel.LoadCausalLanguageModel(folder, new LoadOptions { Device = device });
        try
        {
            return new Teacher(model, tokenizer, end, config.TokenId("pad_token_id") ?? end, new TeacherRows(tokenizer, task, config.TokenId("bos_token_id") ?? end, end, Math.Min(maxLength ?? model.MaxLength, model.MaxLength)));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

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

    /// <summary>Saves model and tokenizer as a Hugging Face folder.</summary>
    /// <param name="folder">Made when it is not there.</param>
    public void Save(string folder)
    {
        // PretrainedFolder.Save writes config.json last, so a folder that has one is complete.
        var generation = new Dictionary<string, int> { ["eos_token_id"] = EndOfText, ["pad_token_id"] = Padding };
        Storage.Replace(Path.Combine(folder, "generation_config.json"), JsonSerializer.Serialize(generation) + "\n");
        PretrainedFolder.Save(Model, folder, Tokenizer);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}
