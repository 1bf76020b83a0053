using System.Globalization;

namespace Understudy.Cli;

/// <summary>Sizes in memory as tables show them.</summary>
internal static class BinarySize
{
    /// <summary>KiB and MiB with one digit behind the point, GiB with two.</summary>
    /// <param name="bytes">At least 0.</param>
    public static string Text(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.00} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
    };
}
