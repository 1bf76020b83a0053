namespace Understudy.Models;

/// <summary>One tensor of a safetensors file, as its header describes it. Elements are little-endian and row-major.</summary>
/// <param name="Name">The tensor's name, unique in its file.</param>
/// <param name="DType">The type of its elements.</param>
/// <param name="Shape">Its dimensions, outermost first; empty for a scalar.</param>
/// <param name="Begin">The first byte of its data, counted from the end of the header.</param>
/// <param name="End">The byte after its data, counted from the end of the header.</param>
public sealed record SafeTensorsEntry(string Name, SafeTensorsDType DType, long[] Shape, long Begin, long End)
{
    /// <summary>The size of the data in bytes.</summary>
    public long ByteCount => End - Begin;

    /// <summary>The number of elements: 1 for a scalar, 0 when a dimension is 0.</summary>
    public long ElementCount => Shape.Aggregate(1L, (product, dimension) => product * dimension);
}
