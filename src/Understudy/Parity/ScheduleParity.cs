using System.Text.Json;
using Understudy.Training;

namespace Understudy.Parity;

/// <summary>Compares <see cref="LearningRateSchedule"/> with stored learning rates of <c>transformers.get_scheduler</c>.</summary>
public static class ScheduleParity
{
    /// <summary>The largest difference that passes, relative to a learning rate of 1.</summary>
    public const double Tolerance = 1e-9;

    private static readonly string[] Settings = ["learning_rate", "warmup_steps", "total_steps", "values"];

    /// <summary>Checks every schedule in <c>schedules.json</c>: one check per name.</summary>
    /// <param name="fileOrFolder">The file, or the folder that holds it.</param>
    /// <exception cref="InvalidDataException">The file does not have the format of such a reference.</exception>
    public static IReadOnlyList<ParityCheck> Run(string fileOrFolder) => ReferenceJson.Read(
        ReferenceJson.Locate(fileOrFolder, "schedules.json"), root => root.EnumerateObject().Select(Check).ToList());

    private static ParityCheck Check(JsonProperty reference)
    {
        var name = "schedule." + reference.Name;
        if (!Enum.TryParse<ScheduleType>(reference.Name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out var type))
            return ParityCheck.Skip(name, $"There is no schedule '{reference.Name}' here.");
        if (reference.Value.EnumerateObject().FirstOrDefault(setting => !Settings.Contains(setting.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } unknown)
            return ParityCheck.Skip(name, $"The setting '{unknown.Name}' is not known here.");

        var schedule = new LearningRateSchedule(
            type, reference.Value.GetProperty("learning_rate").GetDouble(), reference.Value.GetProperty("warmup_steps").GetInt32(), reference.Value.GetProperty("total_steps").GetInt32());
        var values = ReferenceJson.Doubles(reference.Value.GetProperty("values"));
        if (values.Length == 0) return ParityCheck.Skip(name, "The reference holds no values.");
        var difference = values.Select((value, step) => Math.Abs(value - schedule.At(step))).Aggregate(0.0, MaxOrNan);
        return ParityCheck.Of(name, difference, Tolerance, $"{values.Length} steps");
    }

    private static double MaxOrNan(double a, double b) => double.IsNaN(a) || double.IsNaN(b) ? double.NaN : Math.Max(a, b);
}
