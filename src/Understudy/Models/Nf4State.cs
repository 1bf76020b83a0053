using System.Globalization;
using System.Text;
using System.Text.Json;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>What bitsandbytes writes beside the codes of a 4-bit matrix: <c>X.weight.quant_state.bitsandbytes__nf4</c>, JSON in a tensor of bytes.</summary>
/// <param name="BlockSize">Numbers that share a scale.</param>
/// <param name="DType">Type of the matrix before it was quantised.</param>
/// <param name="OutFeatures">Rows.</param>
/// <param name="InFeatures">Columns.</param>
/// <param name="NestedBlockSize">Scales that share one of their own; null when scales are not quantised.</param>
/// <param name="NestedOffset">Mean of the scales, which is added to each.</param>
internal sealed record Nf4State(int BlockSize, ScalarType DType, long OutFeatures, long InFeatures, int? NestedBlockSize = null, double NestedOffset = 0)
{
    internal const string Suffix = ".quant_state.bitsandbytes__nf4";

    /// <summary>The bytes as bitsandbytes has them from Python's <c>json.dumps</c>.</summary>
    internal byte[] ToBytes()
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{{\"quant_type\": \"nf4\", \"blocksize\": {BlockSize}, \"dtype\": \"{MappedTensors.NameOf(DType)}\", \"shape\": [{OutFeatures}, {InFeatures}]");
        return Encoding.UTF8.GetBytes(NestedBlockSize is { } nested
            ? string.Create(CultureInfo.InvariantCulture, $"{text}, \"nested_blocksize\": {nested}, \"nested_dtype\": \"float32\", \"nested_offset\": {PythonNumber(NestedOffset)}}}")
            : text + "}");
    }

    /// <summary>Reads the bytes of a checkpoint.</summary>
    /// <param name="bytes">The JSON.</param>
    /// <param name="where">File and tensor, for messages.</param>
    /// <exception cref="InvalidDataException">Something else than the state of an NF4 matrix.</exception>
    internal static Nf4State Parse(ReadOnlySpan<byte> bytes, string where)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            var type = root.GetProperty("quant_type").GetString();
            if (type != "nf4") throw new InvalidDataException($"{where} says 'quant_type' is '{type}', which is not supported. Supported: nf4.");
            var shape = root.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
            var block = root.GetProperty("blocksize").GetInt32();
            int? nested = root.TryGetProperty("nested_blocksize", out var size) ? size.GetInt32() : null;
            if (shape.Length != 2 || block < 2 || block % 2 != 0 || nested < 1)
                throw new InvalidDataException($"{where} describes no matrix in blocks: {Encoding.UTF8.GetString(bytes)}. Expected two sizes and blocks of an even count. Is the file damaged?");
            return new Nf4State(block, MappedTensors.TypeNamed(root.GetProperty("dtype").GetString()), shape[0], shape[1], nested, nested is null ? 0 : root.GetProperty("nested_offset").GetDouble());
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException($"{where} is not the state of a 4-bit matrix: {error.Message} Expected JSON with quant_type, blocksize, dtype and shape, as bitsandbytes writes it.", error);
        }
    }

    // Python writes 1e-05 where .NET writes 1E-05, and 1.0 where .NET writes 1.
    private static string PythonNumber(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture).Replace("E", "e", StringComparison.Ordinal);
        return double.IsFinite(value) && text.All(c => c is '-' or (>= '0' and <= '9')) ? text + ".0" : text;
    }
}
