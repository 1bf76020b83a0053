using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>All that <see cref="BenchGenerate"/> measured, and on what: what <c>understudy bench generate --json</c> writes.</summary>
public sealed record BenchGenerateReport
{
    /// <summary>The version of this format.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The version of the format.</summary>
    public required int Format { get; init; }

    /// <summary>When it was measured, in UTC.</summary>
    public required DateTime Date { get; init; }

    /// <summary>The program that measured.</summary>
    public required BenchProgram Program { get; init; }

    /// <summary>The machine.</summary>
    public required BenchMachine Machine { get; init; }

    /// <summary>Threads that an operation could use.</summary>
    public required int Threads { get; init; }

    /// <summary>How much was measured.</summary>
    public required BenchGenerateOptions Options { get; init; }

    /// <summary>The rows of the table.</summary>
    public required IReadOnlyList<BenchGenerateRow> Rows { get; init; }

    /// <summary>Product of two square matrices in bfloat16, in operations a second (2 n^3 for a product): the median of all rounds.</summary>
    public required double GemmRate { get; init; }

    /// <summary>Bytes a second that a sweep reads, with all threads: the median of all rounds.</summary>
    public required double MemoryRate { get; init; }

    /// <summary>A report of this program on this machine.</summary>
    /// <param name="rows">What was measured, at least one.</param>
    /// <param name="options">How much.</param>
    /// <param name="program">Where the program is.</param>
    /// <param name="date">When, in UTC.</param>
    public static BenchGenerateReport Of(IReadOnlyList<BenchGenerateRow> rows, BenchGenerateOptions options, string program, DateTime date)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var circumstances = BenchReport.Of([], Device.CPU, program, date);
        List<BenchGenerateRound> rounds = [.. rows.SelectMany(row => row.Rounds)];
        return new BenchGenerateReport
        {
            Format = CurrentFormat, Date = date, Program = circumstances.Program, Machine = circumstances.Machine, Threads = torch.get_num_threads(), Options = options, Rows = rows,
            GemmRate = Bench.Median(rounds.Select(round => round.GemmRate)), MemoryRate = Bench.Median(rounds.Select(round => round.MemoryRate)),
        };
    }

    /// <summary>Writes the report.</summary>
    /// <param name="path">The file, which is replaced.</param>
    public void Write(string path) => Storage.Replace(path, ToJson());

    internal string ToJson() => RunJson.Text(this);
}

/// <summary>A row of the table. Every figure is the median of its own over the rounds, so that a change of the machine's load between two rounds does not enter a ratio.</summary>
/// <param name="Item">What was measured.</param>
/// <param name="Shape">Name of the model's shape.</param>
/// <param name="Counted">What was counted, in words.</param>
/// <param name="Rate">The figure.</param>
/// <param name="Unit">Its unit: tokens/s, rows/s or MiB.</param>
/// <param name="GemmShare">The arithmetic that cannot be done without (<see cref="BenchInferenceWork"/>) a second, over the rate of the product in the same round; null where it says nothing.</param>
/// <param name="MemoryShare">Bytes of weights read a second, over the rate of the sweep in the same round; null where it says nothing.</param>
/// <param name="Other">The best of the other engines; null where no figure of one was published.</param>
/// <param name="Goal">What is to be reached; null for none.</param>
/// <param name="Rounds">What every round measured.</param>
public sealed record BenchGenerateRow(
    BenchGenerateItem Item,
    string Shape,
    string Counted,
    double Rate,
    string Unit,
    double? GemmShare,
    double? MemoryShare,
    BenchOtherEngine? Other,
    BenchGoal? Goal,
    IReadOnlyList<BenchGenerateRound> Rounds)
{
    /// <summary>The median of a figure over the rounds.</summary>
    /// <param name="figure">A key of <see cref="BenchGenerateRound.Figures"/>.</param>
    public double Median(string figure) => Bench.Median(Rounds.Select(round => round.Figures[figure]));
}

/// <summary>One round: what is measured, between products and sweeps of the memory.</summary>
/// <param name="GemmRate">Operations a second of the product: the fastest of three before and the fastest of three after, their mean.</param>
/// <param name="MemoryRate">Bytes a second of the sweep, likewise.</param>
/// <param name="Figures">What was measured, by name.</param>
public sealed record BenchGenerateRound(double GemmRate, double MemoryRate, IReadOnlyDictionary<string, double> Figures);

/// <summary>A published figure of another engine, scaled to this machine by the ratio of the two machines' products in bfloat16: what it would reach here is not known otherwise.</summary>
/// <param name="Engine">The engine, in words.</param>
/// <param name="Published">Its rate, in the row's unit.</param>
/// <param name="GemmRate">The rate of the product on the machine that it was measured on.</param>
/// <param name="Scaled"><paramref name="Published"/> times this machine's rate of the product over that one's.</param>
/// <param name="Ratio">The row's rate over <paramref name="Scaled"/>.</param>
public sealed record BenchOtherEngine(string Engine, double Published, double GemmRate, double Scaled, double Ratio);

/// <summary>What is to be reached.</summary>
/// <param name="Measure">What is compared, in words.</param>
/// <param name="Value">What was measured of it.</param>
/// <param name="Bound">The goal.</param>
/// <param name="AtMost">Whether the goal is an upper bound.</param>
public sealed record BenchGoal(string Measure, double Value, double Bound, bool AtMost = false)
{
    /// <summary>How far it is reached; 1 and more is reached.</summary>
    public double Reached => AtMost ? Bound / Math.Max(Value, 1e-9) : Value / Bound;
}
