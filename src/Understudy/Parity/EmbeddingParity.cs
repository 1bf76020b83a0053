using System.Text.Json;
using Understudy.Models;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Parity;

/// <summary>Compares an encoder's sentence embeddings, and its tokenizer's ids, with a stored <c>reference.json</c>.</summary>
public static class EmbeddingParity
{
    private const string FileName = "reference.json";

    /// <summary>Whether a folder holds an encoder and reference embeddings.</summary>
    public static bool Recognises(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file) || !File.Exists(Path.Combine(folder, ConfigJson.FileName)))
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            return document.RootElement.ValueKind == JsonValueKind.Object && Rows(document) is { } rows && rows.GetArrayLength() > 0
                && rows[0].ValueKind == JsonValueKind.Object && rows[0].TryGetProperty("embedding", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Encodes and embeds every text of the reference.</summary>
    /// <exception cref="InvalidDataException">The folder is damaged.</exception>
    public static IEnumerable<ParityCheck> Run(string folder)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, FileName)));
        using var model = AutoModel.LoadEncoder(folder);
        var tokenizer = Tokenizer.FromFolder(folder).WithPadding(null).WithTruncation(new TruncationOptions { MaxLength = MaxLength(folder, model) });
        var rows = (Rows(document) ?? throw new InvalidDataException($"{folder}: {FileName} has no 'rows'.")).EnumerateArray().ToList();
        var expectedIds = rows.Select(row => GoldenTensors.Numbers(row.GetProperty("input_ids")).Select(id => (int)id).ToArray()).ToList();
        var unequal = rows.Where((row, i) => !tokenizer.Encode(row.GetProperty("text").GetString()!).Ids.AsSpan().SequenceEqual(expectedIds[i])).Count();
        var (ids, mask) = TokenRows.Pad(expectedIds, model.Config.PadTokenId);
        var found = model.Embed(ids, mask ?? torch.ones(ids.shape, ScalarType.Int64));
        var expected = torch.tensor(rows.SelectMany(row => GoldenTensors.Doubles(row.GetProperty("embedding"))).Select(value => (float)value).ToArray(), found.shape);
        return
        [
            ParityCheck.Of("input_ids", unequal, 0, $"{rows.Count} texts"),
            ParityCheck.Of("embedding", GoldenTensors.MaxDifference(found, expected), ModelTolerances.Embedding, $"{rows.Count} texts of {expectedIds.Min(row => row.Length)} to {expectedIds.Max(row => row.Length)} tokens in one batch"),
        ];
    }

    // sentence-transformers cuts texts shorter than the model would take them.
    private static int MaxLength(string folder, BertModel model)
    {
        var file = Path.Combine(folder, "sentence_bert_config.json");
        if (!File.Exists(file))
        {
            return model.MaxLength;
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.TryGetProperty("max_seq_length", out var length) ? length.GetInt32() : model.MaxLength;
    }

    private static JsonElement? Rows(JsonDocument document) =>
        document.RootElement.TryGetProperty("rows", out var rows) && rows.ValueKind == JsonValueKind.Array ? rows : null;
}
