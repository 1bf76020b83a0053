using System.Runtime.InteropServices;
using System.Text.Json;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Parity;

/// <summary>Compares <see cref="Nf4Weight"/>, byte for byte, with matrices that bitsandbytes quantised: a JSON file of cases, and their tensors in a safetensors file of the same name.</summary>
public static class Nf4Parity
{
    private const string Levels = "code";

    /// <summary>Checks the levels and, of every case, each tensor that the reference stored and the matrix that comes back.</summary>
    /// <param name="path">The JSON file.</param>
    /// <exception cref="InvalidDataException">The files do not have the format of such a reference.</exception>
    public static IReadOnlyList<ParityCheck> Run(string path) => ReferenceJson.Read(path, root =>
    {
        using var file = SafeTensorsFile.Open(Path.ChangeExtension(path, ".safetensors"));
        var checks = new List<ParityCheck>();
        foreach (var reference in root.EnumerateObject())
        {
            using var scope = torch.NewDisposeScope();
            if (reference.Name == Levels)
                checks.Add(Equal(Levels, QuantizedMatrix.nf4_levels(), MemoryMarshal.AsBytes(ReferenceJson.Singles(reference.Value).AsSpan())));
            else
                checks.AddRange(Case(file, reference));
        }

        return checks;
    });

    private static List<ParityCheck> Case(SafeTensorsFile file, JsonProperty reference)
    {
        var name = $"{reference.Name}.weight";
        var (block, twice) = (reference.Value.GetProperty("blocksize").GetInt32(), reference.Value.GetProperty("double").GetBoolean());
        var source = MappedTensors.View(new CheckpointTensor(file, Entry(file, name)));
        var made = Nf4Weight.Quantize(name, source, block, twice);
        try
        {
            var stored = file.Entries.Where(entry => entry.Name.StartsWith($"{name}.", StringComparison.Ordinal)).Append(Entry(file, $"{reference.Name}.packed"));
            return
            [
                .. stored.Select(entry => Stored(file, entry, made.Parameters.FirstOrDefault(part => part.Name == entry.Name.Replace(".packed", ".weight", StringComparison.Ordinal))?.Value)),
                Equal($"{reference.Name}.dequantised", made.Dense(), file.BytesOf(Entry(file, $"{reference.Name}.dequantised"))),
            ];
        }
        finally
        {
            foreach (var part in made.Parameters) part.Value.Dispose();
        }
    }

    private static ParityCheck Stored(SafeTensorsFile file, SafeTensorsEntry entry, Tensor? made) => made is null
        ? new ParityCheck(entry.Name, ParityVerdict.Failed, double.NaN, 0, "the reference has this tensor, and there is none of its name here")
        : !made.shape.AsSpan().SequenceEqual(entry.Shape)
            ? new ParityCheck(entry.Name, ParityVerdict.Failed, double.NaN, 0, $"shape [{string.Join(", ", made.shape)}], expected [{string.Join(", ", entry.Shape)}]")
            : Equal(entry.Name, made, file.BytesOf(entry));

    private static ParityCheck Equal(string name, Tensor made, ReadOnlySpan<byte> expected)
    {
        using var scope = torch.NewDisposeScope();
        ReadOnlySpan<byte> found = made.dtype.ElementSize() == 1 ? made.ToArray<byte>() : MemoryMarshal.AsBytes(made.to(ScalarType.Float32).ToArray<float>().AsSpan());
        if (found.Length != expected.Length)
            return new ParityCheck(name, ParityVerdict.Failed, double.NaN, 0, $"{found.Length} bytes, expected {expected.Length}");
        var unequal = 0;
        for (var i = 0; i < found.Length; i++) unequal += found[i] == expected[i] ? 0 : 1;
        return ParityCheck.Of(name, unequal, 0, $"{found.Length} bytes");
    }

    private static SafeTensorsEntry Entry(SafeTensorsFile file, string name) => file.TryGet(name, out var entry)
        ? entry
        : throw new InvalidDataException($"{file.Path} has no tensor '{name}'.");
}
