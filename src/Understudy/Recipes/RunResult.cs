using System.Text.Json;
using System.Text.Json.Serialization;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>One line of a run's result: a student trained on an arm once.</summary>
/// <param name="Student">Name of the student.</param>
/// <param name="Arm">What it was trained on.</param>
/// <param name="Repeat">Number of the repeat, from 1.</param>
/// <param name="TrainRows">Rows it was trained on.</param>
/// <param name="Test">How good it is on the test rows; null when the run has none.</param>
public sealed record ArmResult(string Student, string Arm, int Repeat, int TrainRows, EvaluationResult? Test)
{
    /// <summary>What the model's folder and its predictions are called: <c>minilm.both.1</c>.</summary>
    [JsonIgnore]
    public string Name => $"{Student}.{Arm}.{Repeat}";

    /// <summary>The same before there is a result.</summary>
    internal static string NameOf(string student, RunArm arm, int repeat) => $"{student}.{Distill.NameOf(arm)}.{repeat}";
}

/// <summary>What a run came to: <c>result.json</c> in the run folder.</summary>
/// <param name="Seeds">Labelled rows.</param>
/// <param name="Pretrain">The pre-training, where there was one.</param>
/// <param name="Tune">The teacher's tuning, where there was one.</param>
/// <param name="Teacher">How good the teacher is on the test rows; null without a teacher or test rows.</param>
/// <param name="Annotated">The annotated rows, where an arm has them.</param>
/// <param name="Generated">The generated rows, where an arm has them.</param>
/// <param name="Arms">Every student on every arm, one after the other, the repeats of an arm together.</param>
/// <param name="Comparisons">Every student's arms, and the teacher, against the student trained on the seeds alone. Empty without test rows or without the arm <c>seeds_only</c>.</param>
public sealed record RunResult(int Seeds, PretrainResult? Pretrain, TuneResult? Tune, EvaluationResult? Teacher, SynthesisResult? Annotated, SynthesisResult? Generated, IReadOnlyList<ArmResult> Arms, IReadOnlyList<ArmComparison> Comparisons)
{
    /// <summary>Reads the result of a run folder.</summary>
    /// <param name="folder">The run folder.</param>
    /// <exception cref="InvalidDataException">It is no run folder, the run has not come to its end, or another version wrote the result.</exception>
    /// <exception cref="IOException">The result cannot be read.</exception>
    public static RunResult Read(string folder)
    {
        if (!File.Exists(Path.Combine(folder, "run.yaml")))
        {
            throw NotARunFolder(folder);
        }

        var path = Path.Combine(folder, "result.json");
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"The run in '{folder}' has no result yet. 'understudy status {folder}' says what is left to do.");
        }

        try
        {
            return RunJson.Read<RunResult>(path);
        }
        catch (InvalidDataException e) when (e.InnerException is JsonException)
        {
            throw new InvalidDataException($"{path}: this is not a result that this version of Understudy writes ({e.InnerException.Message.Split('\n')[0]}). Run the same run file again: what is finished is not repeated, and the result is written anew.", e);
        }
    }

    /// <summary>What is wrong with a folder that holds no run, as every reader of run folders says it.</summary>
    internal static InvalidDataException NotARunFolder(string folder) =>
        new($"'{folder}' is not a run folder: expected a folder with a run.yaml in it, as 'understudy run' makes one{(Directory.Exists(folder) ? "" : ", found no folder of that name")}.");
}
