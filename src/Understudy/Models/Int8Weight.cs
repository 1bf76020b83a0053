using Understudy.Torch;

namespace Understudy.Models;

/// <summary>
/// A matrix in 8 bits with a scale per output row: <c>w = code x scale</c>, codes from -127 to 127. For generation, which reads every weight once for a token: a quarter of the
/// bytes of float32. Inputs stay in their type, unlike in bitsandbytes' LLM.int8(), which is why such a model cannot be saved.
/// </summary>
public sealed class Int8Weight : ILinearWeight
{
    private readonly QuantizedMatrix matrix;
    private readonly ScalarType type;

    private Int8Weight(string name, QuantizedMatrix matrix, ScalarType type)
    {
        this.matrix = matrix;
        this.type = type;
        Parameters = [new(name, matrix.Codes), new($"{name}.scale", matrix.Scales)];
    }

    /// <summary>Codes and scales.</summary>
    internal QuantizedMatrix Matrix => matrix;

    /// <inheritdoc/>
    public long InFeatures => matrix.Columns;

    /// <inheritdoc/>
    public long OutFeatures => matrix.Rows;

    /// <inheritdoc/>
    public IReadOnlyList<NamedParameter> Parameters { get; }

    /// <summary>Quantises a matrix.</summary>
    /// <param name="name">Its name in a checkpoint.</param>
    /// <param name="source">[out_features, in_features], floating point; read, not kept.</param>
    /// <param name="device">Where it is put; the CPU when null.</param>
    /// <param name="type">The type of <see cref="Dense"/>; that of <paramref name="source"/> when null.</param>
    public static Int8Weight Quantize(string name, Tensor source, Device? device = null, ScalarType? type = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        using var scope = torch.NewDisposeScope();
        var (codes, scales) = QuantizedMatrix.int8_quantize(source);
        var place = device ?? Device.CPU;
        return new Int8Weight(
            name,
            new QuantizedMatrix(DisposeScope.Detach(codes.to(place)), DisposeScope.Detach(scales.to(place)), source.size(0), source.size(1)),
            type ?? source.dtype);
    }

    /// <inheritdoc/>
    public Tensor Apply(Tensor x, Tensor? bias) => matrix.linear(x, bias);

    /// <inheritdoc/>
    public Tensor Dense() => matrix.dense(type);
}
