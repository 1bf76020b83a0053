using System.Text.Json;
using Understudy.Tokenization;

namespace Understudy.Parity;

/// <summary>Compares tokenizers with what the reference library gave for the same <c>tokenizer.json</c> and texts.</summary>
public static class TokenizerParity
{
    /// <summary>True when the folder holds tokenizer references: <c>cases.json</c>, or <c>trainer_bpe.json</c>.</summary>
    public static bool Recognises(string folder) =>
        File.Exists(Path.Combine(folder, "cases.json")) || File.Exists(Path.Combine(folder, "trainer_bpe.json"));

    /// <summary>
    /// Runs every check of a folder. With <c>cases.json</c>: each of its lists, with the <c>tokenizer.json</c> beside it
    /// or, where there is none, in <c>../../../models/tokenizers/NAME</c>. With <c>trainer_bpe.json</c> and
    /// <c>trainer_corpus.txt</c>: the trainer.
    /// </summary>
    /// <exception cref="FileNotFoundException">A file that a check needs is missing.</exception>
    /// <exception cref="InvalidDataException">A file is malformed.</exception>
    public static IReadOnlyList<ParityCheck> Run(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var checks = new List<ParityCheck>();
        var cases = Path.Combine(folder, "cases.json");
        if (File.Exists(cases))
        {
            var tokenizer = TokenizerFor(folder);
            checks.AddRange(ReferenceJson.Read(cases, root => RunCases(tokenizer, root)));
        }
        var trainer = Path.Combine(folder, "trainer_bpe.json");
        if (File.Exists(trainer)) checks.AddRange(TrainerParity.Run(trainer, Path.Combine(folder, "trainer_corpus.txt")));
        return checks;
    }

    private static Tokenizer TokenizerFor(string folder)
    {
        if (File.Exists(Path.Combine(folder, "tokenizer.json"))) return Tokenizer.FromFolder(folder);
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Tokenizer.FromFolder(Path.Combine(full, "..", "..", "..", "models", "tokenizers", Path.GetFileName(full)));
    }

    private static List<ParityCheck> RunCases(Tokenizer tokenizer, JsonElement cases)
    {
        // The short form: texts and their ids, without special tokens.
        if (cases.ValueKind == JsonValueKind.Array)
            return [Count("tokenizer.ids", cases, item => IdsDifference(item, tokenizer, addSpecialTokens: false))];
        var checks = new List<ParityCheck>();
        foreach (var list in cases.EnumerateObject())
        {
            Func<JsonElement, string?>? check = list.Name switch
            {
                "encode" => item => Difference(item, tokenizer.Encode(Text(item)), Text(item), null) ?? IdsDifference(item, tokenizer, addSpecialTokens: true),
                "encode_plain" => item => Difference(item, tokenizer.Encode(Text(item), addSpecialTokens: false), Text(item), null)
                    ?? IdsDifference(item, tokenizer, addSpecialTokens: false),
                "pairs" => item => Difference(item, tokenizer.Encode(Text(item), Pair(item)), Text(item), Pair(item)),
                "truncated_pairs" => item => TruncatedDifference(item, tokenizer),
                "decode" => item => DecodedDifference(item, tokenizer),
                _ => null,
            };
            checks.Add(check is null
                ? ParityCheck.Skip($"tokenizer.{list.Name}", $"There is no check for the list '{list.Name}' here.")
                : Count($"tokenizer.{list.Name}", list.Value, check));
        }
        return checks;
    }

    private static ParityCheck Count(string name, JsonElement cases, Func<JsonElement, string?> check)
    {
        var (total, unequal, first) = (0, 0, "");
        foreach (var item in cases.EnumerateArray())
        {
            if (check(item) is { } difference)
            {
                if (unequal++ == 0) first = $"; first difference: case {total}, {difference}";
            }
            total++;
        }
        return total == 0
            ? ParityCheck.Skip(name, "The list of cases is empty.")
            : ParityCheck.Of(name, unequal, 0, $"{total} cases{first}");
    }

    private static string? TruncatedDifference(JsonElement item, Tokenizer tokenizer)
    {
        var truncating = tokenizer.WithTruncation(new TruncationOptions
        {
            MaxLength = item.GetProperty("max_length").GetInt32(),
            Strategy = Enum.Parse<TruncationStrategy>(item.GetProperty("strategy").GetString()!.Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
            Side = Enum.Parse<Side>(item.GetProperty("side").GetString()!, ignoreCase: true),
        });
        var expected = item.TryGetProperty("error", out var error) ? error.GetString() : null;
        try
        {
            var encoding = truncating.Encode(Text(item), Pair(item));
            return expected is null ? Difference(item, encoding, Text(item), Pair(item)) : $"the reference says '{expected}'";
        }
        catch (InvalidOperationException fault)
        {
            return fault.Message == expected ? null : $"'{fault.Message}' where the reference {(expected is null ? "has no error" : $"says '{expected}'")}";
        }
    }

    private static string? DecodedDifference(JsonElement item, Tokenizer tokenizer)
    {
        var ids = item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        return Unequal("text", item.GetProperty("text").GetString()!, tokenizer.Decode(ids))
            ?? Unequal("text_with_special", item.GetProperty("text_with_special").GetString()!, tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    private static string? IdsDifference(JsonElement item, Tokenizer tokenizer, bool addSpecialTokens)
    {
        var ids = new List<int>();
        tokenizer.EncodeIds(Text(item), ids, addSpecialTokens);
        return Ints(item, "ids", ids);
    }

    private static string? Difference(JsonElement item, Encoding encoding, string text, string? pair)
    {
        if (Ints(item, "ids", encoding.Ids) is { } ids) return ids;
        if (item.TryGetProperty("tokens", out var tokens)
            && Unequal("tokens", tokens.EnumerateArray().Select(token => token.GetString()!), encoding.Tokens) is { } difference) return difference;
        if (Ints(item, "type_ids", encoding.TypeIds) is { } typeIds) return typeIds;
        if (Ints(item, "special_tokens_mask", encoding.SpecialTokensMask) is { } mask) return mask;
        if (!item.TryGetProperty("offsets_in_code_points", out var offsets)) return null;
        var expected = offsets.EnumerateArray().Select(range => (range[0].GetInt32(), range[1].GetInt32()));
        return Unequal("offsets_in_code_points", expected, CodePoints(encoding, text, pair));
    }

    private static IEnumerable<(int Start, int End)> CodePoints(Encoding encoding, string text, string? pair)
    {
        for (var i = 0; i < encoding.Length; i++)
        {
            var source = pair is not null && encoding.SequenceIds[i] == 1 ? pair : text;
            var (start, end) = encoding.Offsets[i];
            yield return (CodePointIndex(source, start), CodePointIndex(source, end));
        }
    }

    private static int CodePointIndex(string text, int unit) => text.AsSpan(0, unit).ToString().EnumerateRunes().Count();

    private static string? Ints(JsonElement item, string key, IEnumerable<int> actual) => item.TryGetProperty(key, out var expected)
        ? Unequal(key, expected.EnumerateArray().Select(value => value.GetInt32()), actual)
        : null;

    private static string? Unequal<T>(string key, IEnumerable<T> expected, IEnumerable<T> actual) =>
        expected.SequenceEqual(actual) ? null : $"'{key}' is [{string.Join(", ", actual)}], expected [{string.Join(", ", expected)}]";

    private static string? Unequal(string key, string expected, string actual) =>
        expected == actual ? null : $"'{key}' is '{actual}', expected '{expected}'";

    private static string Text(JsonElement item) => item.GetProperty("text").GetString()!;

    private static string Pair(JsonElement item) => item.GetProperty("pair").GetString()!;
}
