using System.Text.Json;
using Understudy.Data;
using Understudy.Runs;
using Understudy.Synthesis;

namespace Understudy.Recipes;

/// <summary>Leaves documents out of a corpus that overlap with texts that models are measured on, and writes down which.</summary>
internal static class CorpusOverlap
{
    // Rows that are looked at together: enough for every processor.
    private const int Together = 4096;
    private const int ShownCharacters = 200;

    /// <summary>A document that was left out.</summary>
    internal sealed record Removed(string Text, string Reason);

    /// <summary>The documents without overlap, in their order.</summary>
    /// <param name="documents">All documents.</param>
    /// <param name="options">What counts as an overlap.</param>
    /// <param name="data">The run's own rows; null for none.</param>
    /// <param name="path">Where the others are written down.</param>
    /// <param name="context">The run.</param>
    internal static List<string> Remove(List<string> documents, DecontaminationOptions options, DataSets? data, string path, RunContext context)
    {
        var held = new HeldOutTexts(Texts(options, data), options.Ngram);
        var kept = new List<string>(documents.Count);
        var removed = new List<Removed>();
        using var bar = context.Progress.Start("decontaminate", documents.Count, "lines");
        foreach (var some in documents.Chunk(Together))
        {
            var verdicts = ParallelRows.Select(some, held.Overlap, context.Cancel);
            foreach (var (text, verdict) in some.Zip(verdicts))
            {
                if (verdict is null) kept.Add(text);
                else removed.Add(new Removed(Beginning(text), verdict));
            }

            bar.Advance(some.Length);
        }

        JsonRows.Write(path, removed);
        bar.Finish($"{removed.Count:N0} of {documents.Count:N0} lines overlap with texts to measure on and are left out");
        return kept;
    }

    // Not in the middle of a surrogate pair, which no UTF-8 holds.
    private static string Beginning(string text) => text.Length <= ShownCharacters ? text : text[..(char.IsHighSurrogate(text[ShownCharacters - 1]) ? ShownCharacters - 1 : ShownCharacters)];

    private static IEnumerable<(string Name, string Text)> Texts(DecontaminationOptions options, DataSets? data)
    {
        foreach (var (row, kind) in (data?.Test ?? []).Select(row => (row, "test")).Concat((data?.Validation ?? []).Select(row => (row, "validation"))))
        {
            yield return ($"{kind} row '{row.Id}'", row.Text);
            if (!string.IsNullOrWhiteSpace(row.TextPair)) yield return ($"{kind} row '{row.Id}'", row.TextPair);
        }

        foreach (var path in options.Files)
        {
            foreach (var (number, line) in TextLines.ReadNumbered(path, 16))
            {
                foreach (var text in Strings(line, path, number)) yield return ($"line {number} of {Path.GetFileName(path)}", text);
            }
        }
    }

    private static List<string> Strings(string line, string path, long number)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var texts = new List<string>();
            Collect(json.RootElement, texts);
            return texts;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}, line {number}: expected a JSON object with texts, found something else ({e.Message}). 'pretrain.decontaminate.files' takes JSON Lines.", e);
        }
    }

    private static void Collect(JsonElement value, List<string> texts)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && !string.IsNullOrWhiteSpace(text)) texts.Add(text);
        else if (value.ValueKind == JsonValueKind.Array) foreach (var item in value.EnumerateArray()) Collect(item, texts);
        else if (value.ValueKind == JsonValueKind.Object) foreach (var property in value.EnumerateObject()) Collect(property.Value, texts);
    }
}
