using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>What goes on from given texts token by token: a causal model with the texts themselves, an encoder-decoder with targets for them.</summary>
internal interface IDecoding
{
    /// <summary>Number of logits per token.</summary>
    int VocabularySize { get; }

    /// <summary>The most new tokens that a text leaves room for.</summary>
    int Room(IReadOnlyList<int> text);

    /// <summary>What a row consists of before its first new token.</summary>
    IReadOnlyList<int> Beginning(IReadOnlyList<int> text);

    /// <summary>Throws when a text cannot be computed.</summary>
    /// <param name="text">The text.</param>
    /// <param name="index">Its number, for the message.</param>
    /// <exception cref="ArgumentException">It is empty, too long, or holds unknown tokens.</exception>
    void Check(IReadOnlyList<int> text, int index);

    /// <summary>Whether a batch can be computed whose longest text has so many tokens, with so many new ones to follow.</summary>
    bool Fits(int longest, int room);

    /// <summary>Checks all texts of a job and computes what they share.</summary>
    /// <exception cref="ArgumentException">A text is empty, too long, or holds unknown tokens.</exception>
    IDecodingPass Begin(IReadOnlyList<IReadOnlyList<int>> texts);
}

/// <summary>A job of several batches.</summary>
internal interface IDecodingPass : IDisposable
{
    /// <summary>Computes a batch.</summary>
    /// <param name="texts">Texts of the job.</param>
    /// <param name="room">New tokens that may follow.</param>
    /// <returns>One row for each text; to be disposed.</returns>
    IDecodingState Run(IReadOnlyList<IReadOnlyList<int>> texts, int room);
}

/// <summary>The rows of a batch and what the model knows of them. Its tensors belong to it.</summary>
internal interface IDecodingState : IDisposable
{
    /// <summary>Rows.</summary>
    int Rows { get; }

    /// <summary>[rows, vocabulary]: what follows each row.</summary>
    Tensor Logits { get; }

    /// <summary>Keeps only some rows, repeats or reorders them; nothing is copied when the order stays. <see cref="Logits"/> are those of before until the next step.</summary>
    /// <param name="rows">Numbers of rows.</param>
    /// <param name="sameTexts">Whether the row at every place goes on from a row of the same text, as beams do.</param>
    void Keep(ReadOnlySpan<long> rows, bool sameTexts = false);

    /// <summary>Computes the newest token of every row.</summary>
    void Step(ReadOnlySpan<long> tokens);
}

/// <summary>Checks of texts before a model sees them.</summary>
internal static class DecodingInput
{
    /// <summary>Throws when a prompt is empty, leaves no room for a token, or holds one that the model does not know.</summary>
    public static void CheckPrompt(IReadOnlyList<int> prompt, string name, ICausalLanguageModel model)
    {
        if (prompt.Count == 0) throw new ArgumentException($"{name} has no tokens. Begin it with the model's begin-of-text token.");
        if (prompt.Count >= model.MaxLength)
            throw new ArgumentException($"{name} has {prompt.Count} tokens, the model takes at most {model.MaxLength} with what follows. Shorten it.");
        CheckTokens(prompt, name, model.VocabularySize);
    }

    /// <summary>Throws when the longest label does not fit behind a prompt.</summary>
    public static void CheckRoom(IReadOnlyList<int> prompt, int depth, string name, ICausalLanguageModel model, string parameter = "prompts")
    {
        if (prompt.Count + depth > model.MaxLength + 1)
            throw new ArgumentException($"{name} has {prompt.Count} tokens and the longest label {depth}, the model takes at most {model.MaxLength}. Shorten the prompt.", parameter);
    }

    /// <summary>Throws when a text holds a token that the model does not know.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">How it is called, for the message.</param>
    /// <param name="vocabulary">Tokens that the model knows.</param>
    public static void CheckTokens(IReadOnlyList<int> text, string name, int vocabulary)
    {
        foreach (var token in text)
        {
            if ((uint)token >= (uint)vocabulary)
                throw new ArgumentException($"{name} holds the token {token}, the model knows {vocabulary}. Does the tokenizer belong to the model?");
        }
    }

    /// <summary>Texts padded on the right to the longest.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="padding">Id that fills short ones.</param>
    /// <returns>Both [texts, tokens] int64 on the CPU; no mask where nothing is padded.</returns>
    internal static (Tensor Ids, Tensor? Mask) Pad(IReadOnlyList<IReadOnlyList<int>> texts, int padding)
    {
        var (longest, shortest) = (texts.Max(text => text.Count), texts.Min(text => text.Count));
        var ids = new long[texts.Count * longest];
        var mask = new long[ids.Length];
        Array.Fill(ids, padding);
        for (var row = 0; row < texts.Count; row++)
        {
            for (var i = 0; i < texts[row].Count; i++) (ids[(row * longest) + i], mask[(row * longest) + i]) = (texts[row][i], 1);
        }

        return (torch.tensor(ids, texts.Count, longest), longest == shortest ? null : torch.tensor(mask, texts.Count, longest));
    }

    /// <summary>Rows of a mask in a new order; the old one is freed.</summary>
    /// <param name="mask">[rows, tokens].</param>
    /// <param name="rows">Numbers of the rows that stay, repeats allowed.</param>
    /// <returns>A mask that belongs to no dispose scope.</returns>
    public static Tensor Selected(Tensor mask, ReadOnlySpan<long> rows)
    {
        using var scope = torch.NewDisposeScope();
        var selected = DisposeScope.Detach(mask.index_select(0, torch.tensor(rows).to(mask.device)));
        mask.Dispose();
        return selected;
    }

    /// <summary>Numbers of texts, of similar length, that share a batch.</summary>
    /// <param name="decoding">What computes them.</param>
    /// <param name="texts">The texts and how many rows each needs.</param>
    /// <param name="batchSize">The most rows of a batch; those of one text are never split.</param>
    /// <param name="room">New tokens that may follow the text of a number.</param>
    public static IEnumerable<List<int>> Batches(IDecoding decoding, IReadOnlyList<(IReadOnlyList<int> Tokens, int Rows)> texts, int batchSize, Func<int, int> room)
    {
        var batch = new List<int>();
        var (rows, most) = (0, 0);
        foreach (var index in Enumerable.Range(0, texts.Count).OrderBy(i => texts[i].Tokens.Count))
        {
            var (tokens, own) = texts[index];
            // Padding counts towards the model's length, but must not shorten the text of a short prompt.
            if (batch.Count > 0 && (rows + own > batchSize || !decoding.Fits(tokens.Count, Math.Max(most, room(index)))))
            {
                yield return batch;
                batch = [];
                (rows, most) = (0, 0);
            }

            batch.Add(index);
            rows += own;
            most = Math.Max(most, room(index));
        }

        yield return batch;
    }
}
