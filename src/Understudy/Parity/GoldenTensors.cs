using System.Text.Json;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Parity;

/// <summary>What a reference implementation got from a model: <c>expected.json</c> and <c>expected.safetensors</c>.</summary>
internal sealed class GoldenTensors : IDisposable
{
    private readonly SafeTensorsFile file;
    private readonly JsonDocument document;
    private readonly string path;

    internal GoldenTensors(string folder)
    {
        path = Path.Combine(folder, "expected.json");
        try
        {
            document = JsonDocument.Parse(File.ReadAllText(path));
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} is not valid JSON: {error.Message}", error);
        }

        if (Json.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{path} is not a JSON object.");
        }

        file = SafeTensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
    }

    internal JsonElement Json => document.RootElement;

    internal IEnumerable<string> Names => file.Entries.Select(entry => entry.Name);

    internal bool Has(string name) => file.TryGet(name, out _) || Json.TryGetProperty(name, out _);

    internal Tensor Tensor(string name) => file.TryGet(name, out var entry)
        ? MappedTensors.View(new CheckpointTensor(file, entry))
        : throw new InvalidDataException($"{file.Path} has no tensor '{name}'.");

    internal JsonElement Value(string name) => Json.TryGetProperty(name, out var value)
        ? value
        : throw new InvalidDataException($"{path} has no key '{name}', which this comparison needs.");

    internal double Number(string name) => Value(name).GetDouble();

    internal long[][] Rows(string name) => Rows(Value(name));

    internal static long[][] Rows(JsonElement element) => [.. element.EnumerateArray().Select(row => Numbers(row))];

    internal static long[] Numbers(JsonElement element) => [.. element.EnumerateArray().Select(value => value.GetInt64())];

    internal static double[] Doubles(JsonElement element) => [.. element.EnumerateArray().Select(value => value.GetDouble())];

    /// <summary>Rows of different lengths as one tensor with its mask, padded on one side.</summary>
    internal static (Tensor Ids, Tensor Mask) Pad(long[][] rows, long padding, bool left)
    {
        var longest = rows.Max(row => row.Length);
        var ids = new long[rows.Length * longest];
        var mask = new long[rows.Length * longest];
        Array.Fill(ids, padding);
        for (var r = 0; r < rows.Length; r++)
        {
            var start = r * longest + (left ? longest - rows[r].Length : 0);
            rows[r].CopyTo(ids, start);
            Array.Fill(mask, 1, start, rows[r].Length);
        }

        return (torch.tensor(ids, rows.Length, longest), torch.tensor(mask, rows.Length, longest));
    }

    /// <summary>The largest absolute difference; NaN when a value is NaN.</summary>
    internal static double MaxDifference(Tensor found, Tensor expected)
    {
        using var scope = torch.NewDisposeScope();
        return (found.detach().to(ScalarType.Float32) - expected).abs().max().item<double>();
    }

    /// <summary>Hidden states grow with depth, and the rounding of float32 with them: their difference is held against the largest one.</summary>
    internal static ParityCheck HiddenState(string name, Tensor found, Tensor expected)
    {
        using var scope = torch.NewDisposeScope();
        var size = Math.Max(1, expected.abs().max().item<double>());
        return ParityCheck.Of(name, MaxDifference(found, expected) / size, ModelTolerances.Logits, size > 1 ? $"relative to the largest, {size:G3}" : "");
    }

    /// <summary>|found - expected| / |expected| in the 2-norm.</summary>
    internal static double RelativeNorm(Tensor found, Tensor expected)
    {
        using var scope = torch.NewDisposeScope();
        var size = expected.norm().item<double>();
        var difference = (found.detach().to(ScalarType.Float32) - expected).norm().item<double>();
        return size > 0 ? difference / size : difference;
    }

    public void Dispose()
    {
        file.Dispose();
        document.Dispose();
    }
}
