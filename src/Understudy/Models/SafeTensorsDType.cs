namespace Understudy.Models;

/// <summary>
/// The element types of the safetensors format, in the order in which its reference serializer sorts them: tensors are written
/// with the largest value of this enumeration first, which keeps every tensor aligned to its element.
/// </summary>
public enum SafeTensorsDType
{
    /// <summary>Boolean, one byte.</summary>
    Bool,

    /// <summary>4-bit microscaling float, two to a byte.</summary>
    F4,

    /// <summary>6-bit microscaling float, 2 exponent and 3 mantissa bits.</summary>
    F6E2M3,

    /// <summary>6-bit microscaling float, 3 exponent and 2 mantissa bits.</summary>
    F6E3M2,

    /// <summary>Unsigned byte.</summary>
    U8,

    /// <summary>Signed byte.</summary>
    I8,

    /// <summary>8-bit float, 5 exponent and 2 mantissa bits.</summary>
    F8E5M2,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits.</summary>
    F8E4M3,

    /// <summary>8-bit power-of-two scale.</summary>
    F8E8M0,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, without negative zero.</summary>
    F8E4M3Fnuz,

    /// <summary>8-bit float, 5 exponent and 2 mantissa bits, without negative zero.</summary>
    F8E5M2Fnuz,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>bfloat16: the upper half of a single-precision float.</summary>
    BF16,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>Complex number of two single-precision floats.</summary>
    C64,

    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
}

/// <summary>Names and sizes of <see cref="SafeTensorsDType"/>.</summary>
public static class SafeTensorsDTypeExtensions
{
    private static readonly (string Name, int Bits)[] Table =
    [
        ("BOOL", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("U8", 8), ("I8", 8), ("F8_E5M2", 8), ("F8_E4M3", 8),
        ("F8_E8M0", 8), ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("I16", 16), ("U16", 16), ("F16", 16), ("BF16", 16),
        ("I32", 32), ("U32", 32), ("F32", 32), ("C64", 64), ("F64", 64), ("I64", 64), ("U64", 64),
    ];

    /// <summary>Every name the format knows, in the order of the enumeration, separated by commas.</summary>
    internal static string KnownNames => string.Join(", ", Table.Select(row => row.Name));

    /// <summary>The name a safetensors header gives the type, for example <c>F8_E4M3</c>.</summary>
    public static string Name(this SafeTensorsDType dtype) => Table[(int)dtype].Name;

    /// <summary>The size of one element in bits: 4, 6, 8, 16, 32 or 64.</summary>
    public static int BitSize(this SafeTensorsDType dtype) => Table[(int)dtype].Bits;

    /// <summary>The multiple of bytes at which an element has to begin: its size for whole-byte types, otherwise 1.</summary>
    public static int Alignment(this SafeTensorsDType dtype) => dtype == SafeTensorsDType.C64 ? 4 : Math.Max(1, Table[(int)dtype].Bits / 8);

    /// <summary>The type a safetensors header means by <paramref name="name"/>; false when the format knows no such type.</summary>
    public static bool TryParse(string name, out SafeTensorsDType dtype)
    {
        var index = Array.FindIndex(Table, row => row.Name == name);
        dtype = (SafeTensorsDType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>
    /// The bytes a tensor of this type and shape takes. False when a dimension is negative, when the count of elements or of bits
    /// does not fit 63 bits, or when sub-byte elements do not fill their last byte.
    /// </summary>
    internal static bool TryByteCount(this SafeTensorsDType dtype, ReadOnlySpan<long> shape, out long bytes)
    {
        bytes = 0;
        var elements = 1L;
        foreach (var dimension in shape)
        {
            if (dimension < 0 || !TryMultiply(elements, dimension, out elements)) return false;
        }

        if (!TryMultiply(elements, dtype.BitSize(), out var bits) || bits % 8 != 0) return false;
        bytes = bits / 8;
        return true;
    }

    private static bool TryMultiply(long a, long b, out long product)
    {
        var high = Math.BigMul(a, b, out product);
        return high == 0 && product >= 0;
    }
}
