using System.Globalization;

namespace Understudy.Reports;

/// <summary>A straight scale with round marks: 1, 2 or 5 times a power of ten apart.</summary>
internal sealed record Axis
{
    private Axis(double first, double last, double step)
    {
        (First, Last, Step) = (first, last, step);
    }

    /// <summary>The lower end, a mark.</summary>
    public double First { get; }

    /// <summary>The upper end, a mark.</summary>
    public double Last { get; }

    /// <summary>The distance of two marks.</summary>
    public double Step { get; }

    /// <summary>The marks from the first to the last.</summary>
    public IEnumerable<double> Marks => Enumerable.Range(0, (int)Math.Round((Last - First) / Step) + 1).Select(i => First + (i * Step));

    /// <summary>A scale that holds two values.</summary>
    /// <param name="lowest">A finite number.</param>
    /// <param name="highest">A finite number, not below <paramref name="lowest"/>.</param>
    /// <param name="marks">About how many marks, at least 2.</param>
    public static Axis Over(double lowest, double highest, int marks)
    {
        // Beyond 1e15 neighbouring marks could not be told apart.
        lowest = Math.Clamp(lowest, -1e15, 1e15);
        highest = Math.Clamp(highest, lowest, 1e15);
        var span = Math.Max(highest - lowest, Math.Max(1e-9, 1e-6 * Math.Max(Math.Abs(lowest), Math.Abs(highest))));
        var raw = span / marks;
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = power * ((raw / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 });
        var first = Math.Floor((lowest / step) + 1e-9) * step;
        var last = Math.Ceiling((highest / step) - 1e-9) * step;
        return new Axis(first, last > first ? last : first + step, step);
    }

    /// <summary>Where a value lies: 0 at the lower end, 1 at the upper.</summary>
    public double At(double value) => Math.Clamp((value - First) / (Last - First), 0, 1);

    /// <summary>A mark in as few digits as tell it from its neighbours.</summary>
    public string Label(double mark)
    {
        if (Math.Abs(mark) < Step / 2)
            return "0";
        if (Step >= 1)
            return Math.Abs(mark) >= 10_000 && Step >= 100 ? string.Create(CultureInfo.InvariantCulture, $"{mark / 1000:0.#}k") : mark.ToString("0", CultureInfo.InvariantCulture);
        var digits = Math.Min(9, (int)Math.Ceiling(-Math.Log10(Step) - 1e-9));
        return mark.ToString($"F{digits}", CultureInfo.InvariantCulture);
    }
}
