using Understudy.Data;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>The text of a pre-training: a tokenizer learnt from it, and the packed tokens of the training and held-out parts.</summary>
internal sealed record PretrainingText(Tokenizer Tokenizer, PackedTokens Train, PackedTokens HeldOut, double HeldOutTokensPerByte)
{
    // What a vocabulary of some ten thousand tokens can be learnt from; more text hardly changes it.
    internal const long TokenizerCharacters = 40_000_000;

    // Documents encoded at once: enough for every processor, few enough that little is done in vain beyond the limit.
    private const int EncodedAtOnce = 1024;

    /// <summary>Reads, shuffles, learns a tokenizer, encodes. What an earlier attempt left in the folder is used.</summary>
    internal static PretrainingText Prepare(PretrainOptions options, IReadOnlyList<string> pool, SeededRandom random, string folder, RunContext context)
    {
        var tokenizerPath = Path.Combine(folder, "tokenizer.json");
        var trainPath = Path.Combine(folder, "train-tokens.safetensors");
        var heldOutPath = Path.Combine(folder, "held-out-tokens.safetensors");
        var bytesPath = Path.Combine(folder, "held-out-bytes.txt");
        var rowLength = RowLengthOf(options);
        if (Load() is { } prepared)
        {
            return prepared;
        }

        var documents = Documents(options, pool, random, context);
        var heldOutCount = Math.Max(1, (int)(documents.Count * options.HeldOut));
        var tokenizer = Tokenizers.Learn(Sample(documents.Skip(heldOutCount)), options.Tokenizer, ArchitectureFamily.GptNeox, context);
        tokenizer.Save(tokenizerPath);
        var heldOut = documents.Take(heldOutCount).ToList();
        Encode(tokenizer, heldOut, null, rowLength, context).Save(heldOutPath);
        Encode(tokenizer, documents.Skip(heldOutCount), options.MaxTokens, rowLength, context).Save(trainPath);
        // Written last: the other files are complete when this one is there.
        Storage.Replace(bytesPath, heldOut.Sum(document => (long)System.Text.Encoding.UTF8.GetByteCount(document) + 1).ToString());
        return Load() ?? throw new InvalidDataException($"{folder}: what was just written there cannot be read back. Is the disk in order?");

        PretrainingText? Load()
        {
            if (!File.Exists(bytesPath))
            {
                return null;
            }

            try
            {
                var held = PackedTokens.Load(heldOutPath, rowLength);
                return new PretrainingText(Tokenizer.FromFile(tokenizerPath), PackedTokens.Load(trainPath, rowLength), held, held.Count / (double)long.Parse(File.ReadAllText(bytesPath)));
            }
            catch (Exception e) when (e is InvalidDataException or FileNotFoundException or FormatException or OverflowException)
            {
                context.Progress.Note($"{folder}: the prepared text is damaged ({e.Message}), so it is prepared again.");
                return null;
            }
        }
    }

    /// <summary>Tokens of a row.</summary>
    internal static int RowLengthOf(PretrainOptions options) => Math.Min(options.Training.MaxLength ?? options.Architecture.MaxPositionEmbeddings, options.Architecture.MaxPositionEmbeddings);

    /// <summary>All documents in a random order.</summary>
    internal static List<string> Documents(PretrainOptions options, IReadOnlyList<string> pool, SeededRandom random, RunContext context)
    {
        using var bar = context.Progress.Start("read text", null, "lines");
        var documents = new List<string>();
        foreach (var path in options.Corpus)
        {
            foreach (var line in TextLines.Read(path))
            {
                documents.Add(line);
                if (documents.Count % 10_000 == 0)
                {
                    context.Cancel.ThrowIfCancellationRequested();
                    bar.Advance(10_000);
                }
            }
        }

        for (var i = 0; options.UnlabelledPool && i < options.UnlabelledRepeats; i++)
        {
            documents.AddRange(pool);
        }

        random.Fork("documents").Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(documents));
        bar.Finish($"{documents.Count:N0} lines");
        return documents;
    }

    private static IEnumerable<string> Sample(IEnumerable<string> documents)
    {
        var characters = 0L;
        return documents.TakeWhile(document => (characters += document.Length) <= TokenizerCharacters);
    }

    /// <summary>Documents as packed tokens, up to a limit.</summary>
    internal static PackedTokens Encode(Tokenizer tokenizer, IEnumerable<string> documents, long? limit, int rowLength, RunContext context)
    {
        using var bar = context.Progress.Start("tokenize", limit, "tokens");
        var end = tokenizer.TokenToId(Tokenizers.EndOfText) ?? throw new InvalidOperationException($"The tokenizer has no {Tokenizers.EndOfText}.");
        var ids = new List<int>();
        foreach (var some in documents.Chunk(EncodedAtOnce))
        {
            var before = ids.Count;
            foreach (var document in ParallelRows.Select(some, Ids, context.Cancel).TakeWhile(_ => !(ids.Count >= limit)))
            {
                if ((long)ids.Count + document.Count > Array.MaxLength)
                {
                    throw new InvalidDataException($"The text of 'pretrain.corpus' has more than {ids.Count:N0} tokens, and no more than {Array.MaxLength:N0} can be held. Set 'pretrain.max_tokens' to {ids.Count} or less.");
                }

                ids.AddRange(document);
            }

            bar.Advance(ids.Count - before);
            if (ids.Count >= limit)
            {
                break;
            }
        }

        List<int> Ids(string document)
        {
            var own = new List<int>();
            tokenizer.EncodeIds(document, own, addSpecialTokens: false);
            own.Add(end);
            return own;
        }

        bar.Finish($"{ids.Count:N0} tokens");
        return ids.Count >= rowLength
            ? new PackedTokens([.. ids], rowLength)
            : throw new InvalidDataException($"The text to pre-train on or to hold out has {ids.Count} tokens, fewer than one row of {rowLength}. Give more text under 'pretrain.corpus' or 'data.unlabelled', or set a smaller 'pretrain.training.max_length'.");
    }
}
