using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>A stage that a run will come to.</summary>
/// <param name="Name">As it is called under <c>stages/</c>.</param>
/// <param name="Training">The training that it is; null for a stage without one.</param>
/// <param name="Rows">The file of rows that it writes, seen from the run folder; null when it writes none.</param>
internal sealed record PlannedStage(string Name, TrainingOptions? Training = null, string? Rows = null);

/// <summary>The stages of a run, known before it begins.</summary>
internal static class RunStages
{
    /// <summary>The stages of <see cref="Distill"/> in the order in which it comes to them; the pre-training alone where there are no data.</summary>
    public static IReadOnlyList<PlannedStage> Of(RunOptions options)
    {
        if (options.Data is not { } data)
            return options.Pretrain is { } alone ? [new PlannedStage(Pretrain.StageName, alone.Training)] : [];
        var stages = new List<PlannedStage>();
        var tests = data.Test is not null || data.Split?.Test > 0;
        if (options.Annotates || options.Generates)
        {
            if (options.Teacher.Model is null && options.Pretrain is { } pretrain)
                stages.Add(new PlannedStage(Pretrain.StageName, pretrain.Training));
            stages.Add(new PlannedStage("tune", options.Teacher.Tune));
            if (tests)
                stages.Add(new PlannedStage("evaluate-teacher"));
            if (options.Annotates)
            {
                stages.Add(new PlannedStage("annotate", Rows: "stages/annotate/scores.jsonl"));
                stages.Add(new PlannedStage("filter-annotated", Rows: "rows/annotated.jsonl"));
            }
            if (options.Generates)
            {
                stages.Add(new PlannedStage("generate", Rows: "stages/generate/texts.jsonl"));
                stages.Add(new PlannedStage("filter-generated", Rows: "rows/generated.jsonl"));
            }
        }
        foreach (var student in options.Students)
        {
            foreach (var arm in options.Arms)
            {
                for (var repeat = 1; repeat <= options.Repeats; repeat++)
                {
                    var name = ArmResult.NameOf(student.Name, arm, repeat);
                    stages.Add(new PlannedStage(name, student.TrainingOn(arm)));
                    if (tests)
                        stages.Add(new PlannedStage($"{name}.evaluate"));
                }
            }
        }
        return stages;
    }
}
