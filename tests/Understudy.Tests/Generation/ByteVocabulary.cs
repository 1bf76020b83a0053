using System.Text.Json;
using Understudy.Tokenization;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tests.Generation;

/// <summary>Tokenizers whose tokens are any bytes a test wants; after them comes a special token <c>&lt;end&gt;</c>.</summary>
internal static class ByteVocabulary
{
    /// <summary>A byte-level tokenizer with these tokens, whose ids are their places.</summary>
    public static Tokenizer Of(IReadOnlyList<byte[]> tokens)
    {
        var vocabulary = tokens.Select((bytes, id) => (Token: string.Concat(bytes.Select(ByteAlphabet.CharacterOf)), Id: id)).Append(("<end>", tokens.Count));
        using var folder = new TemporaryFolder();
        var path = folder["tokenizer.json"];
        File.WriteAllText(path, JsonSerializer.Serialize(new
        {
            version = "1.0",
            added_tokens = new[] { new { id = tokens.Count, content = "<end>", single_word = false, lstrip = false, rstrip = false, normalized = false, special = true } },
            model = new { type = "BPE", vocab = vocabulary.ToDictionary(entry => entry.Item1, entry => entry.Item2), merges = Array.Empty<string>() },
            decoder = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = true },
        }));
        return Tokenizer.FromFile(path);
    }

    /// <summary>All 256 bytes and then these tokens.</summary>
    public static Tokenizer WithAllBytes(IEnumerable<byte[]> tokens) => Of([.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), .. tokens]);
}
