using System.CommandLine;
using System.Globalization;
using Understudy.Data;
using Understudy.Recipes;
using Understudy.Runs;
using Recipe = System.Func<Understudy.Runs.RunFile<Understudy.Recipes.RunOptions>, Understudy.Recipes.RunContext, string>;

namespace Understudy.Cli.Verbs;

/// <summary>The verbs that do a run, or a part of one, as a run file describes it. What is finished already is not repeated.</summary>
internal static class RunVerbs
{
    public static IEnumerable<Command> Create(Execution execution)
    {
        Verb Verb(string name, string description, string example, Func<RunOptions, IEnumerable<string>> begins, Recipe recipe) => RunFileVerb.Create(name, description, example, execution, begins, recipe);
        return
        [
            Verb("run", "Does a whole run: teacher, synthetic rows, students with and without them, test figures.",
                "understudy run configs/slurp-intents.yaml\nunderstudy run configs/slurp-intents.yaml --set seed=2 --output runs/second",
                BeginsWith, (file, context) => Outcome(Distill.Run(file.Options, context), context)),
            Verb("pretrain", "Trains a language model on plain text: the teacher's, or one for other runs to begin with.",
                "understudy pretrain configs/slurp-intents.yaml --set pretrain.training.max_minutes=5", _ => ["pretrain"], PretrainModel),
            Verb("tune", "Fine-tunes the teacher on the labelled seeds; pre-trains it first where the run file says so.",
                "understudy tune configs/slurp-intents.yaml --set teacher.tune.epochs=6", TeacherBeginsWith, Tune),
            Verb("annotate", "Lets the teacher label unlabelled text; tunes it first where that is not done.",
                "understudy annotate configs/slurp-intents.yaml --set annotate.max_rows=500", TeacherBeginsWith, AnnotateRows),
            Verb("generate", "Lets the teacher write new labelled texts; tunes it first where that is not done.",
                "understudy generate configs/slurp-intents.yaml --set generate.per_label=5", TeacherBeginsWith, GenerateRows),
            Verb("train", "Trains the students on the labelled seeds alone, without a teacher, and measures them.",
                "understudy train configs/slurp-intents.yaml --set students.0.training.epochs=10",
                _ => ["students"], (file, context) => Outcome(Distill.Run(file.Options with { Arms = [RunArm.SeedsOnly] }, context), context)),
        ];
    }

    /// <summary>The sections whose models a run begins with.</summary>
    internal static IEnumerable<string> BeginsWith(RunOptions options) => options.Annotates || options.Generates ? [.. TeacherBeginsWith(options), "students"] : ["students"];

    private static IEnumerable<string> TeacherBeginsWith(RunOptions options) => [options.Teacher.Model is null ? "pretrain" : "teacher"];

    private static string Outcome(RunResult result, RunContext context) => $"{RunTable.Of(result, context.Folder.Path)}\n{Path.Combine(context.Folder.Path, Report.FileName)}";

    private static string PretrainModel(RunFile<RunOptions> file, RunContext context)
    {
        var options = file.Options;
        if (options.Pretrain is not { } pretrain)
            throw Missing(file, "pretrain", "the run file has no section 'pretrain', so there is nothing to pre-train.");
        var data = options.Data is null ? null : Distill.Prepare(options, context).Data;
        var (folder, _, result) = Pretrain.Run(pretrain, data, options.Seed, context);
        MeasureBeside(context);
        Distill.WriteReport(context);
        return string.Create(CultureInfo.InvariantCulture,
            $"{folder}: {result.Parameters:N0} parameters, {result.Tokens:N0} tokens in {StageClock.Duration(TimeSpan.FromSeconds(result.Seconds))}, {result.BitsPerByte:F3} bits per byte on held-out text\n{Path.Combine(context.Folder.Path, Report.FileName)}");
    }

    // The model is done and saved: what is measured beside it must not make it a failure.
    private static void MeasureBeside(RunContext context)
    {
        try
        {
            PretrainingSpeed.Measure(context);
            PretrainingBaselines.Measure(context.Folder.Path, context.Progress, context.Cancel);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or Understudy.Torch.TorchException)
        {
            context.Progress.Note($"The figures beside the model are not all there: {e.Message} 'understudy report {context.Folder.Path}' tries again.");
        }
    }

    private static string Tune(RunFile<RunOptions> file, RunContext context)
    {
        var (folder, _, _, _) = Teacher(file, context);
        return folder;
    }

    private static string AnnotateRows(RunFile<RunOptions> file, RunContext context)
    {
        var options = file.Options;
        var (teacher, print, data, task) = Teacher(file, context);
        var (_, _, result) = Annotate.Run(options.Annotate, teacher, task, data, options.Seed, options.Teacher.Tune.Precision, print, context);
        return $"{context.Folder.Rows("annotated")}: {result.InWords()}";
    }

    private static string GenerateRows(RunFile<RunOptions> file, RunContext context)
    {
        var options = file.Options;
        if (!options.Generates)
            throw Missing(file, "arms", "no arm uses generated rows, so the teacher does not learn to write them. Add 'generated' or 'both' to 'arms'.");
        var (teacher, print, data, task) = Teacher(file, context);
        var (_, _, result) = Generate.Run(options.Generate, options.Annotate, teacher, task, data, options.Seed, options.Teacher.Tune.Precision, print, context);
        return $"{context.Folder.Rows("generated")}: {result.InWords()}";
    }

    private static (string Folder, Fingerprint Print, DataSets Data, ClassificationTask Task) Teacher(RunFile<RunOptions> file, RunContext context)
    {
        var options = file.Options;
        if (options.Teacher.Model is null && options.Pretrain is null)
            throw Missing(file, "teacher", "the run file has no teacher. Name a folder in 'teacher.model', or describe one in 'pretrain'.");
        var (data, task, dataPrint) = Distill.Prepare(options, context);
        var (folder, print) = Distill.TuneTeacher(options, task, data, options.Generates, dataPrint, context, out _, out _);
        return (folder, print, data, task);
    }

    private static RunFileException Missing(RunFile<RunOptions> file, string key, string message) => new([new RunFileFault(file.Path, key, message)]);
}
