namespace Understudy.Torch;

/// <summary>A matrix in NF4 or int8, and what libtorch computes with it. TorchSharp has no such thing.</summary>
/// <remarks>The tensors belong to whoever made them.</remarks>
/// <param name="Codes">NF4: [ceil(n / 2), 1] uint8, two codes a byte with the first in the high half. Int8: [rows, columns] int8.</param>
/// <param name="Scales">NF4: one for every block, float32, or uint8 where they are quantised too. Int8: [rows] float32.</param>
/// <param name="Rows">Rows of the matrix.</param>
/// <param name="Columns">Columns of the matrix.</param>
public sealed record QuantizedMatrix(Tensor Codes, Tensor Scales, long Rows, long Columns)
{
    /// <summary>Numbers of an NF4 block.</summary>
    public int BlockSize { get; init; } = 64;

    /// <summary>[256] float32, what 8-bit scales stand for; null for scales in float32.</summary>
    public Tensor? NestedMap { get; init; }

    /// <summary>One for every nested block, float32.</summary>
    public Tensor? NestedScales { get; init; }

    /// <summary>Scales of a nested block.</summary>
    public int NestedBlockSize { get; init; } = 256;

    /// <summary>Added to every 8-bit scale.</summary>
    public double Offset { get; init; }

    /// <summary>The scales as numbers, float32: of an NF4 matrix one for every block.</summary>
    public Tensor plain_scales()
    {
        if (NestedMap is null || NestedScales is null) return Scales.alias();
        using var scope = torch.NewDisposeScope();
        var sizes = NestedScales.repeat_interleave(NestedBlockSize, 0).narrow(0, 0, Scales.numel());
        return scope.MoveToOuter(NestedMap.index_select(0, Scales.to(ScalarType.Int64)) * sizes + Offset);
    }

    /// <summary>The 16 levels of NF4, [16] float32 (Dettmers et al., arXiv 2305.14314, appendix E).</summary>
    public static Tensor nf4_levels() => new(Native.understudy_nf4_levels());

    /// <summary>NF4 codes and scales of a tensor, byte for byte those of bitsandbytes; on the CPU.</summary>
    /// <param name="source">Floating point, any shape; read in row-major order. A block with a NaN becomes NaN.</param>
    /// <param name="blockSize">Numbers that share a scale; even.</param>
    /// <returns>[ceil(n / 2), 1] uint8 and [blocks] float32, the largest magnitude of every block.</returns>
    /// <exception cref="TorchException">Another type, or an odd block.</exception>
    public static (Tensor Codes, Tensor Scales) nf4_quantize(Tensor source, int blockSize)
    {
        Native.Check(Native.understudy_nf4_quantize(source.Handle, blockSize, out var codes, out var scales));
        return (new Tensor(new TensorHandle(codes)), new Tensor(new TensorHandle(scales)));
    }

    /// <summary>Double quantisation: scales less their mean in 8 bits, byte for byte as bitsandbytes; on the CPU.</summary>
    /// <param name="scales">[n] float32.</param>
    /// <param name="blockSize">Scales that share one of their own.</param>
    /// <returns>[n] uint8, [nested blocks] float32, [256] float32 that the codes stand for, and the mean.</returns>
    public static (Tensor Codes, Tensor NestedScales, Tensor Map, double Offset) nf4_quantize_scales(Tensor scales, int blockSize)
    {
        Native.Check(Native.understudy_nf4_quantize_scales(scales.Handle, blockSize, out var codes, out var nested, out var map, out var offset));
        return (new Tensor(new TensorHandle(codes)), new Tensor(new TensorHandle(nested)), new Tensor(new TensorHandle(map)), offset);
    }

    /// <summary>Int8 codes of a matrix, symmetric per row; on the CPU.</summary>
    /// <param name="matrix">[rows, columns], floating point.</param>
    /// <returns>[rows, columns] int8 from -127 to 127, and [rows] float32, the row's largest magnitude / 127.</returns>
    public static (Tensor Codes, Tensor Scales) int8_quantize(Tensor matrix)
    {
        Native.Check(Native.understudy_int8_quantize(matrix.Handle, out var codes, out var scales));
        return (new Tensor(new TensorHandle(codes)), new Tensor(new TensorHandle(scales)));
    }

    /// <summary>x W^T + b in the type of <paramref name="x"/> or of autocast. Gradients go to x and the bias; nothing but the codes is kept for them.</summary>
    /// <param name="x">[..., columns].</param>
    /// <param name="bias">[rows] or null.</param>
    /// <returns>[..., rows].</returns>
    /// <exception cref="TorchException">Sizes do not fit.</exception>
    public Tensor linear(Tensor x, Tensor? bias = null) => new(Native.understudy_quantized_linear(
        x.Handle, Tensor.HandleOf(bias), Codes.Handle, Scales.Handle, Tensor.HandleOf(NestedMap), Tensor.HandleOf(NestedScales), Offset, BlockSize, NestedBlockSize, Rows, Columns));

    /// <summary>The matrix in a floating-point type, [rows, columns], outside of any gradient.</summary>
    /// <exception cref="TorchException">Sizes do not fit.</exception>
    public Tensor dense(ScalarType dtype) => new(Native.understudy_quantized_dense(
        Codes.Handle, Scales.Handle, Tensor.HandleOf(NestedMap), Tensor.HandleOf(NestedScales), Offset, BlockSize, NestedBlockSize, Rows, Columns, (int)dtype));
}
