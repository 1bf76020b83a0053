using System.Globalization;

namespace Understudy.Models;

/// <summary>Sizes as people write them: <c>500MB</c>, <c>5GB</c>, <c>2GiB</c>, as <c>max_shard_size</c> of transformers.</summary>
public static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("KIB", 1L << 10), ("MIB", 1L << 20), ("GIB", 1L << 30), ("TIB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("B", 1), ("", 1),
    ];

    /// <summary>What a text says, in bytes; false when it says no size of at least 1 byte.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        bytes = 0;
        var plain = text.Replace("_", "", StringComparison.Ordinal).Trim().ToUpperInvariant();
        var (unit, factor) = Units.First(unit => plain.EndsWith(unit.Unit, StringComparison.Ordinal));
        if (!decimal.TryParse(plain[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number * factor is < 1 or > long.MaxValue) return false;
        bytes = (long)(number * factor);
        return true;
    }
}
