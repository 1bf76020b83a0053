using Understudy.Data;
using Understudy.Tokenization;

namespace Understudy.Generation;

/// <summary>
/// A text that is one of a set of labels, in any tokens that write it; one space may stand before it, which many tokenizers join with the first word.
/// Immutable and safe for use from several threads. <see cref="LabelConstraint"/> holds every label to tokens of its own.
/// </summary>
public sealed class LabelTextConstraint : ITokenConstraint
{
    private readonly GraphConstraint constraint;

    /// <summary>A constraint for labels.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="labels">The texts of the labels, white space at their ends aside; at least one.</param>
    /// <param name="endOfTextTokenIds">Tokens that end a text, allowed where a label ends. Needed where a label begins another one.</param>
    /// <exception cref="ArgumentException">There is no label, one is blank or cannot be written, two are the same, or one begins another and there is no end to tell them apart.</exception>
    /// <exception cref="NotSupportedException">The tokenizer's decoder makes a token's text depend on the tokens after it.</exception>
    public LabelTextConstraint(Tokenizer tokenizer, IEnumerable<string> labels, IEnumerable<int>? endOfTextTokenIds = null)
        : this(tokenizer, labels, "", endOfTextTokenIds)
    {
    }

    private LabelTextConstraint(Tokenizer tokenizer, IEnumerable<string> labels, string endMarker, IEnumerable<int>? endOfTextTokenIds)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        string[] texts = [.. labels.Select(label => label.Trim())];
        int[] ends = [.. endOfTextTokenIds ?? []];
        if (texts.Length == 0) throw new ArgumentException("Expected at least one label, found none.", nameof(labels));
        if (Array.IndexOf(texts, "") is >= 0 and var blank) throw new ArgumentException($"Label {blank} is blank. Give it a text.", nameof(labels));
        texts = [.. texts.Select(text => text + endMarker).Order(StringComparer.Ordinal)];
        for (var i = 1; i < texts.Length; i++)
        {
            if (texts[i] == texts[i - 1]) throw new ArgumentException($"The label '{texts[i]}' comes twice. Remove one.", nameof(labels));
            // In ordinal order a label comes right before those that it begins.
            if (ends.Length == 0 && texts[i].StartsWith(texts[i - 1], StringComparison.Ordinal))
                throw new ArgumentException($"The label '{texts[i - 1]}' begins the label '{texts[i]}', and there is no token to end it with. Give end-of-text tokens.", nameof(labels));
        }

        constraint = new GraphConstraint(tokenizer, Graph(texts), ends);
        if (constraint.CanWriteAll) return;
        foreach (var text in texts)
        {
            if (!new GraphConstraint(tokenizer, Graph([text]), ends).CanBegin)
                throw new ArgumentException($"The tokenizer has no tokens to write the label '{text}'. Give it other words.", nameof(labels));
        }
    }

    /// <summary>
    /// A constraint for the completions of a task's labels, each with the task's end marker where there is one;
    /// <see cref="ClassificationTask.ParseLabel"/> reads them back.
    /// </summary>
    /// <param name="task">The task.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="endOfTextTokenIds">Tokens that end a text, allowed where a label ends.</param>
    /// <exception cref="ArgumentException">A completion cannot be written, or one begins another and there is no end to tell them apart.</exception>
    /// <exception cref="NotSupportedException">The tokenizer's decoder makes a token's text depend on the tokens after it.</exception>
    public static LabelTextConstraint ForTask(ClassificationTask task, Tokenizer tokenizer, IEnumerable<int>? endOfTextTokenIds = null) =>
        new(tokenizer, task.Completions, task.EndMarker ?? "", endOfTextTokenIds);

    /// <inheritdoc/>
    public TokenConstraintState Begin() => constraint.Begin();

    private static ByteGraph Graph(IEnumerable<string> labels)
    {
        var graph = new ByteGraphBuilder();
        var begin = graph.OptionalSpace(ByteGraphBuilder.Start);
        foreach (var label in labels) graph.Accept(graph.Path(begin, System.Text.Encoding.UTF8.GetBytes(label)));
        return graph.Build();
    }
}
