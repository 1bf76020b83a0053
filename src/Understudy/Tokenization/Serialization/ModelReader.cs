using System.Text.Json;
using Understudy.Tokenization.Models;

namespace Understudy.Tokenization.Serialization;

/// <summary>Reads the <c>model</c> of a <c>tokenizer.json</c>.</summary>
internal static class ModelReader
{
    public static ITokenModel Read(ConfigElement config)
    {
        // Files of early versions do not name the type.
        var type = config.OptionalString("type")
            ?? (config.Child("merges") is not null ? "BPE"
                : config.Child("continuing_subword_prefix") is not null ? "WordPiece"
                : config.Child("unk_id") is not null ? "Unigram"
                : config.Type);
        return type switch
        {
            "BPE" => Bpe(config),
            "WordPiece" => new WordPieceModel(
                ReadVocabulary(config.Required("vocab")),
                config.OptionalString("unk_token") ?? "[UNK]",
                config.OptionalString("continuing_subword_prefix") ?? "##",
                config.Int("max_input_chars_per_word", 100)),
            "WordLevel" => new WordLevelModel(ReadVocabulary(config.Required("vocab")), config.OptionalString("unk_token") ?? "<unk>"),
            "Unigram" => Unigram(config),
            _ => throw config.Fault($"is of the type '{type}', which is not supported. Supported are BPE, WordPiece, WordLevel and Unigram."),
        };
    }

    private static UnigramModel Unigram(ConfigElement config)
    {
        var entries = config.Items("vocab").Select(Entry).ToList();
        int? unkId = config.Child("unk_id") is null ? null : config.Int("unk_id");
        if (unkId >= entries.Count)
            throw config.Required("unk_id").Fault($"is {unkId}, but the vocabulary has only {entries.Count} tokens. Give the position of the unknown token in 'vocab'.");
        return new UnigramModel(entries, unkId, config.Bool("byte_fallback", false));

        static (string Token, double Score) Entry(ConfigElement item)
        {
            if (item.Json.ValueKind != JsonValueKind.Array || item.Json.GetArrayLength() != 2 || item.Json[1].ValueKind != JsonValueKind.Number)
                throw item.Fault("must be a list of a token and its score, a number.");
            var score = item.Json[1].GetDouble();
            return double.IsFinite(score)
                ? ((item with { Json = item.Json[0] }).AsString(), score)
                : throw item.Fault($"has the score {item.Json[1].GetRawText()}, which no number of 64 bits holds.");
        }
    }

    private static BpeModel Bpe(ConfigElement config)
    {
        if (config.Child("dropout") is { } dropout && !(dropout.Json.ValueKind == JsonValueKind.Number && dropout.Json.GetDouble() == 0))
            throw dropout.Fault($"is {dropout.Json.GetRawText()}, but only null is supported: with dropout the same text has different ids each time. Set it to null.");
        var options = new BpeOptions
        {
            UnkToken = config.OptionalString("unk_token"),
            ContinuingSubwordPrefix = config.OptionalString("continuing_subword_prefix"),
            EndOfWordSuffix = config.OptionalString("end_of_word_suffix"),
            FuseUnk = config.Bool("fuse_unk", false),
            ByteFallback = config.Bool("byte_fallback", false),
            IgnoreMerges = config.Bool("ignore_merges", false),
        };
        var vocabulary = ReadVocabulary(config.Required("vocab"));
        var merges = config.Items("merges")
            .Select(item => MergeResolver.Resolve(vocabulary, options, Pair(item), fault => item.Fault(fault)))
            .ToList();
        return new BpeModel(vocabulary, merges, options);
    }

    internal static Vocabulary ReadVocabulary(ConfigElement config)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (token, id) in config.Entries())
        {
            if (!ids.TryAdd(token, id.AsInt())) throw config.Fault($"lists the token '{token}' twice. Remove one of the entries.");
        }
        try
        {
            return new Vocabulary(ids);
        }
        catch (ArgumentException fault)
        {
            throw config.Fault($"cannot be used: {fault.Message}. Give every token an id of its own.");
        }
    }

    private static (string Left, string Right) Pair(ConfigElement item)
    {
        if (item.Json.ValueKind == JsonValueKind.Array)
        {
            var pair = item.Json.EnumerateArray().Select(part => new ConfigElement(part, item.Path, item.File).AsString()).ToArray();
            return pair.Length == 2 ? (pair[0], pair[1]) : throw item.Fault($"must be two tokens, but holds {pair.Length}.");
        }
        var parts = item.AsString().Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw item.Fault($"must be two tokens separated by one space, but is '{item.AsString()}'.");
    }
}
