namespace Understudy.Torch;

/// <summary>A matrix [out_features, in_features] and its bias in the order in which the kernels of an <see cref="InferenceStep"/> read them; for the CPU. TorchSharp has no such thing.</summary>
/// <remarks>It never changes, so that any number of steps may read it at once. Their share in it ends with them: disposed before, it stays as long as one of them.</remarks>
public sealed class PackedMatrix : IDisposable
{
    private PackedMatrix(PackedMatrixHandle handle, long outputs, long inputs)
    {
        if (handle.IsInvalid) Native.Check(-1);
        (Handle, OutFeatures, InFeatures) = (handle, outputs, inputs);
    }

    /// <summary>Numbers that go in.</summary>
    public long InFeatures { get; }

    /// <summary>Numbers that come out.</summary>
    public long OutFeatures { get; }

    internal PackedMatrixHandle Handle { get; }

    /// <summary>Packs a copy of a matrix.</summary>
    /// <param name="weight">[out_features, in_features], both at least 1, floating point, any strides, on the CPU.</param>
    /// <param name="bias">[out_features] floating point, or null.</param>
    /// <param name="type">float32 or bfloat16: what it is multiplied in, and rounded to.</param>
    /// <exception cref="ArgumentException">Another type.</exception>
    /// <exception cref="TorchException">Sizes do not fit, or it is not on the CPU.</exception>
    public static PackedMatrix Pack(Tensor weight, Tensor? bias, ScalarType type)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (type is not (ScalarType.Float32 or ScalarType.BFloat16)) throw new ArgumentException($"Expected float32 or bfloat16, found {type}.", nameof(type));
        return new(Native.understudy_pack(weight.Handle, Tensor.HandleOf(bias), type == ScalarType.BFloat16 ? 1 : 0), weight.size(0), weight.size(1));
    }

    /// <summary>Packs a copy of a matrix in int8, or in NF4 with rows of whole blocks; it serves steps of either type, and stays in its few bits.</summary>
    /// <param name="matrix">Codes and scales on the CPU; NF4 with a power of two as its block, of which the columns are a multiple.</param>
    /// <param name="bias">[rows] floating point, or null.</param>
    /// <exception cref="TorchException">Sizes do not fit, or it is not on the CPU.</exception>
    public static PackedMatrix Pack(QuantizedMatrix matrix, Tensor? bias)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        if (matrix.Codes.dtype == ScalarType.Byte)
        {
            using var scope = torch.NewDisposeScope();
            return new(Native.understudy_pack_nf4(matrix.Codes.Handle, matrix.plain_scales().Handle, matrix.BlockSize, matrix.Rows, matrix.Columns, Tensor.HandleOf(bias)), matrix.Rows, matrix.Columns);
        }

        return new(Native.understudy_pack_int8(matrix.Codes.Handle, matrix.Scales.Handle, Tensor.HandleOf(bias)), matrix.Rows, matrix.Columns);
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
