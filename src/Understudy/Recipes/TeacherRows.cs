using Understudy.Data;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A row that a teacher learns from.</summary>
/// <param name="Ids">Tokens, begin and end included.</param>
/// <param name="Weights">Weight of every token as a target; that of the first is not used.</param>
internal sealed record TeacherRow(int[] Ids, float[] Weights);

/// <summary>A batch that a teacher learns from, without tensors.</summary>
/// <param name="Tokens">The rows.</param>
/// <param name="Weights">Weight of every token as a target, laid out as the tokens are.</param>
internal sealed record TeacherLayout(TokenLayout Tokens, float[] Weights)
{
    /// <summary>The batches of a step.</summary>
    public static StepBatches<TeacherLayout> Step(IReadOnlyList<TeacherRow> rows, StepRows step, int padding)
    {
        TeacherLayout[] batches = [.. step.Batches.Select(batch => Of([.. batch.Select(row => rows[row])], padding))];
        var weight = step.Batches.Sum(batch => batch.Sum(row => rows[row].Weights.Skip(1).Sum(value => (double)value)));
        return new StepBatches<TeacherLayout>(batches, weight, batches.Sum(batch => batch.Tokens.Tokens), step.StepsInEpoch);
    }

    /// <summary>Ids, mask and weights, [rows, tokens] each.</summary>
    public (Tensor Ids, Tensor? Mask, Tensor Weights) To(Device device)
    {
        var (ids, mask) = Tokens.To(device);
        return (ids, mask, Tokens.To(Weights, device));
    }

    private static TeacherLayout Of(IReadOnlyList<TeacherRow> rows, int padding)
    {
        var tokens = TokenLayout.Of([.. rows.Select(row => row.Ids)], padding);
        return new TeacherLayout(tokens, tokens.Beside([.. rows.Select(row => row.Weights)], 0f));
    }
}

/// <summary>Prompts and completions as token ids, the same for tuning, annotating and generating.</summary>
/// <remarks>
/// Every row begins with the model's begin-of-text token, which for many models is the end-of-text token, as every document does in pre-training. Prompt and completion are encoded apart, so that a
/// prompt has the same tokens whatever follows it.
/// </remarks>
internal sealed class TeacherRows
{
    private readonly Tokenizer tokenizer;
    private readonly ClassificationTask task;
    private readonly int begin;
    private readonly int[] end;
    private readonly int maxLength;
    private readonly int longestLabel;

    /// <summary>Encodes for one model and task.</summary>
    /// <param name="tokenizer">The teacher's tokenizer.</param>
    /// <param name="task">Templates and labels.</param>
    /// <param name="beginOfText">The model's begin-of-text token.</param>
    /// <param name="endOfText">The model's end-of-text token.</param>
    /// <param name="maxLength">The most tokens of a row.</param>
    /// <exception cref="InvalidDataException">A row cannot hold the longest label and a token of a text.</exception>
    internal TeacherRows(Tokenizer tokenizer, ClassificationTask task, int beginOfText, int endOfText, int maxLength)
    {
        this.tokenizer = tokenizer;
        this.task = task;
        this.maxLength = maxLength;
        begin = beginOfText;
        end = task.EndMarker is { } marker ? [.. Encode(marker)] : [endOfText];
        LabelTokens = [.. task.Completions.Select(completion => (IReadOnlyList<int>)[.. Encode(completion), .. end])];
        longestLabel = LabelTokens.Max(tokens => tokens.Count);
        if (longestLabel + 2 > maxLength)
        {
            throw new InvalidDataException($"The longest label has {longestLabel} tokens with its end, so a row of at most {maxLength} tokens has no room for a text. Raise 'teacher.tune.max_length' as far as the model allows, or shorten 'task.label_words' or 'task.completion'.");
        }
    }

    /// <summary>The tokens of each label after a prompt, its end included.</summary>
    internal IReadOnlyList<IReadOnlyList<int>> LabelTokens { get; }

    /// <summary>The prompt for a label.</summary>
    internal int[] Prompt(Example example) => [begin, .. Shorten(Encode(task.Prompt(example)))];

    /// <summary>A prompt without content, for calibration.</summary>
    internal int[] ContentFreePrompt() => [begin, .. Encode(task.ContentFreePrompt())];

    /// <summary>The prompt for a new text of a label.</summary>
    /// <param name="label">The label.</param>
    /// <param name="shots">Seeds to show first, each after its own prompt.</param>
    internal int[] GenerationPrompt(string label, IEnumerable<Example> shots)
    {
        var shown = shots.SelectMany(shot => Encode(task.GenerationExample(shot)).Concat(end));
        return [begin, .. shown, .. Encode(task.GenerationPrompt(label))];
    }

    /// <summary>A seed as the teacher learns to label it.</summary>
    internal TeacherRow Labelled(Example example, double promptWeight, double labelWeight) =>
        Join(Prompt(example), [.. LabelTokens[task.Labels.IndexOf(example.Label!)]], promptWeight, labelWeight);

    /// <summary>A seed as the teacher learns to write it.</summary>
    internal TeacherRow Written(Example example, double weight) =>
        Join(GenerationPrompt(example.Label!, []), [.. Encode(task.GenerationCompletion(example)), .. end], 0, weight);

    private TeacherRow Join(int[] prompt, int[] completion, double promptWeight, double completionWeight)
    {
        int[] ids = [.. prompt, .. completion];
        float[] weights = [.. Enumerable.Repeat((float)promptWeight, prompt.Length), .. Enumerable.Repeat((float)completionWeight, completion.Length)];
        return ids.Length <= maxLength ? new TeacherRow(ids, weights) : new TeacherRow(ids[..maxLength], weights[..maxLength]);
    }

    // A long text loses its beginning: the prompt's last words say what is asked.
    private List<int> Shorten(List<int> prompt)
    {
        var room = maxLength - 1 - longestLabel;
        return prompt.Count <= room ? prompt : prompt[^room..];
    }

    /// <summary>The tokens of a text, without special ones.</summary>
    internal List<int> Encode(string text)
    {
        var ids = new List<int>();
        tokenizer.EncodeIds(text, ids, addSpecialTokens: false);
        return ids;
    }
}
