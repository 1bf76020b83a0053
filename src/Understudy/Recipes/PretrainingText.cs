using System.Runtime.InteropServices;
using Understudy.Data;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>The text of a pre-training: its tokenizer, and the packed tokens of the training and held-out parts.</summary>
internal sealed record PretrainingText(Tokenizer Tokenizer, PackedTokens Train, PackedTokens HeldOut, long LeftOut)
{
    /// <summary>The documents that were left out, in the stage's folder.</summary>
    internal const string RemovedName = "removed.jsonl";

    // What a vocabulary of some ten thousand tokens can be learnt from; more text hardly changes it.
    internal const long TokenizerCharacters = 40_000_000;

    // Documents encoded at once: enough for every processor, few enough that little is done in vain beyond the limit.
    private const int EncodedAtOnce = 1024;

    /// <summary>Reads, shuffles, learns a tokenizer, encodes. What an earlier attempt left in the folder is used.</summary>
    /// <param name="options">What to read.</param>
    /// <param name="source">The folder of the model whose training goes on, with its tokenizer; null to learn one, or to take that of the options.</param>
    /// <param name="data">The run's rows: the unlabelled pool, and what must not be trained on; null for none.</param>
    /// <param name="random">Order, held-out part.</param>
    /// <param name="folder">The stage's folder.</param>
    /// <param name="context">The run.</param>
    internal static PretrainingText Prepare(PretrainOptions options, string? source, DataSets? data, SeededRandom random, string folder, RunContext context)
    {
        var tokenizerPath = Path.Combine(folder, "tokenizer.json");
        var trainPath = Path.Combine(folder, "train-tokens.safetensors");
        var heldOutPath = Path.Combine(folder, "held-out-tokens.safetensors");
        var donePath = Path.Combine(folder, "prepared.txt");
        var removedPath = Path.Combine(folder, RemovedName);
        var longest = Pretrain.MaxLengthOf(options, source);
        var given = source is null ? null : Tokenizer.FromFolder(source);
        var rowLength = RowLengthOf(options, longest);
        if (Load() is { } prepared)
        {
            return prepared;
        }

        if (options.Training.MaxLength > longest)
        {
            context.Progress.Note($"'pretrain.training.max_length' is {options.Training.MaxLength:N0}, and the model takes {longest:N0} tokens, so rows have {longest:N0}.");
        }

        var (heldOut, documents) = Documents(options, data, random, removedPath, context);
        var tokenizer = given ?? TokenizerOf(options, documents, context);
        tokenizer.Save(tokenizerPath);
        // Of a small pool a few words may be all that is held out: then they are the row.
        Encode(tokenizer, heldOut, null, 2, context).Save(heldOutPath);
        Encode(tokenizer, documents, options.MaxTokens, rowLength, context).Save(trainPath);
        // Written last: the other files are complete when this one is there.
        Storage.Replace(donePath, $"{heldOut.Count} documents held out of {heldOut.Count + (long)documents.Count}\n");
        return Load() ?? throw new InvalidDataException($"{folder}: what was just written there cannot be read back. Is the disk in order?");

        PretrainingText? Load()
        {
            if (!File.Exists(donePath))
            {
                return null;
            }

            try
            {
                var tokenizer = given ?? Tokenizer.FromFile(tokenizerPath);
                var separator = Tokenizers.Separator(tokenizer);
                return new PretrainingText(tokenizer, PackedTokens.Load(trainPath, rowLength, separator), PackedTokens.Load(heldOutPath, rowLength, separator, mayBeShort: true), File.ReadLines(removedPath).LongCount());
            }
            catch (Exception e) when (e is InvalidDataException or FileNotFoundException)
            {
                context.Progress.Note($"{folder}: the prepared text is damaged ({e.Message}), so it is prepared again.");
                return null;
            }
        }
    }

    /// <summary>The tokenizer that a pre-training from random weights has.</summary>
    internal static Tokenizer TokenizerOf(PretrainOptions options, IEnumerable<string> documents, RunContext context) => options.TokenizerFile is { } file
        ? Tokenizers.For(Tokenizer.FromFile(file), options.Architecture.Family)
        : Tokenizers.Learn(Sample(documents), options.Tokenizer, options.Architecture.Family, context);

    /// <summary>Tokens of a row of a model that takes so many.</summary>
    internal static int RowLengthOf(PretrainOptions options, int longest) => Math.Min(options.Training.MaxLength ?? longest, longest);

    /// <summary>The held-out documents, and those to train on as often as they come in an epoch, both in a random order.</summary>
    /// <param name="options">What to read.</param>
    /// <param name="data">The run's rows; null for none.</param>
    /// <param name="random">The order.</param>
    /// <param name="removedPath">Where what is left out is written down; null to leave nothing out, for a plan.</param>
    /// <param name="context">The run.</param>
    internal static (List<string> HeldOut, List<string> Train) Documents(PretrainOptions options, DataSets? data, SeededRandom random, string? removedPath, RunContext context)
    {
        var texts = new List<string>();
        var repeats = new Dictionary<string, double>();
        using (var bar = context.Progress.Start("read text", null, "lines"))
        {
            foreach (var corpus in options.Corpus)
            {
                foreach (var line in corpus.Read())
                {
                    Add(line, corpus.Repeats);
                    if (texts.Count % 10_000 != 0) continue;
                    context.Cancel.ThrowIfCancellationRequested();
                    bar.Advance(10_000);
                }
            }

            if (options.UnlabelledPool)
            {
                foreach (var row in data?.Unlabelled ?? []) Add(row.Text, options.UnlabelledRepeats);
            }

            bar.Finish($"{texts.Count:N0} lines");
        }

        // A line that comes twice is one document: otherwise it could be trained on and held out.
        var read = texts.Count;
        if (removedPath is not null) texts = CorpusOverlap.Remove(texts, options.Decontaminate, data, removedPath, context);
        if (texts.Count == 0)
        {
            throw new InvalidDataException(read == 0
                ? "There is no text to pre-train on. Name text files in 'pretrain.corpus', or give rows in 'data.unlabelled'."
                : $"All {read:N0} documents to pre-train on overlap with texts to measure on, so none is left; '{removedPath}' says why for each. Give other text in 'pretrain.corpus', or set a larger 'pretrain.decontaminate.ngram'.");
        }

        random.Fork("documents").Shuffle(CollectionsMarshal.AsSpan(texts));
        var heldOutCount = Math.Max(1, (int)(texts.Count * options.HeldOut));
        var draws = random.Fork("repeats");
        var train = new List<string>();
        foreach (var text in texts.Skip(heldOutCount))
        {
            var times = (int)(repeats[text] + draws.NextDouble());
            train.AddRange(Enumerable.Repeat(text, times));
        }

        random.Fork("order").Shuffle(CollectionsMarshal.AsSpan(train));
        var heldOut = texts[..heldOutCount];
        var held = heldOut.ToHashSet();
        var spoken = random.Fork("spoken");
        for (var i = 0; options.SpokenShare > 0 && i < train.Count; i++)
        {
            // Without its capitals and stops a document may be one that is held out.
            if (spoken.NextDouble() < options.SpokenShare && SpokenText.Of(train[i]) is { Length: > 0 } said && !held.Contains(said)) train[i] = said;
        }

        return (heldOut, train);

        void Add(string text, double times)
        {
            if (repeats.TryAdd(text, times)) texts.Add(text);
            else repeats[text] = Math.Max(times, repeats[text]);
        }
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
        var separator = Tokenizers.Separator(tokenizer);
        string[] specials = [.. tokenizer.AddedTokens.Values.Where(token => token.Special).Select(token => token.Content)];
        var ids = new List<int> { separator };
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
            // A text that spells a special token out, such as a page about tokenizers, does not end there.
            if (specials.Any(special => document.Contains(special, StringComparison.Ordinal))) own.AddRange(tokenizer.EncodePlain(document));
            else tokenizer.EncodeIds(document, own, addSpecialTokens: false);
            // A normaliser may leave nothing.
            if (own.Count > 0) own.Add(separator);
            return own;
        }

        bar.Finish($"{ids.Count:N0} tokens");
        return ids.Count >= 2
            ? new PackedTokens([.. ids], rowLength, separator)
            : throw new InvalidDataException("The text to pre-train on or to hold out has no token. Give more text under 'pretrain.corpus' or 'data.unlabelled'.");
    }
}
