using Understudy.Data;
using Understudy.Runs;
using Understudy.Synthesis;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Recipes;

/// <summary>The whole run: teacher, synthetic rows, students with and without them, test accuracy (arXiv 2310.01119).</summary>
public static class Distill
{
    /// <summary>Does whatever of a run is not done yet.</summary>
    /// <param name="options">The run.</param>
    /// <param name="context">Its folder, progress, device.</param>
    /// <exception cref="InvalidDataException">The data are at fault.</exception>
    public static RunResult Run(RunOptions options, RunContext context)
    {
        var (data, task, dataPrint) = Prepare(options, context);
        var (generates, annotates) = (options.Generates, options.Annotates);
        PretrainResult? pretrained = null;
        TuneResult? tuned = null;
        EvaluationResult? teacherTest = null;
        SynthesisResult? annotated = null, generated = null;
        IReadOnlyList<SyntheticRow> annotatedRows = [], generatedRows = [];
        var rowsPrint = new Dictionary<RunArm, Fingerprint> { [RunArm.SeedsOnly] = dataPrint };
        if (generates || annotates)
        {
            var (teacher, teacherPrint) = TuneTeacher(options, task, data, generates, dataPrint, context, out pretrained, out tuned);
            teacherTest = EvaluateTeacher(options, teacher, teacherPrint, task, data, context);
            var precision = options.Teacher.Tune.Precision;
            if (annotates)
            {
                (annotatedRows, rowsPrint[RunArm.Annotated], annotated) = Annotate.Run(options.Annotate, teacher, task, data, options.Seed, precision, teacherPrint, context);
            }

            if (generates)
            {
                (generatedRows, rowsPrint[RunArm.Generated], generated) = Generate.Run(options.Generate, options.Annotate, teacher, task, data, options.Seed, precision, teacherPrint, context);
            }
        }

        if (annotates && generates)
        {
            rowsPrint[RunArm.Both] = BothPrint(rowsPrint[RunArm.Annotated], rowsPrint[RunArm.Generated]);
        }

        var arms = TrainStudents(options, data, Examples(annotatedRows, options.Annotate.SoftLabels), Examples(generatedRows, options.Generate.SoftLabels), rowsPrint, context);
        var comparisons = ArmComparison.Of(arms, teacherTest is not null, name => TestPrediction.Read(context.Folder.Predictions(name)), options.Evaluation, options.Seed);
        var result = new RunResult(data.Train.Count, pretrained, tuned, teacherTest, annotated, generated, arms, comparisons);
        context.Folder.Write(result);
        WriteReport(context);
        return result;
    }

    // The run is done and its figures are safe: a page that cannot be drawn must not make it a failure.
    internal static void WriteReport(RunContext context)
    {
        try
        {
            Report.Write(context.Folder.Path);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ArgumentException or InvalidOperationException or FormatException)
        {
            context.Progress.Note($"report.html was not written: {e.Message} 'understudy report {context.Folder.Path}' tries it again.");
        }
    }

    /// <summary>Reads the data and checks the task against them.</summary>
    /// <exception cref="InvalidDataException">The data are missing or at fault, or the task's templates and words do not fit them.</exception>
    internal static (DataSets Data, ClassificationTask Task, Fingerprint Fingerprint) Prepare(RunOptions options, RunContext context)
    {
        var source = options.Data ?? throw new InvalidDataException("'data' is missing: this needs labelled rows, and only 'understudy pretrain' goes without. Name them in 'data.train'.");
        var data = DataSets.Load(source, options.Seed);
        if (data.Labels.Count < 2)
        {
            throw new InvalidDataException($"All labelled rows have the label '{data.Labels[0]}'; expected at least two labels to tell apart. Check 'data.columns.label', or name the labels in 'data.labels'.");
        }

        foreach (var notice in data.Notices)
        {
            context.Progress.Note(notice);
        }

        context.Progress.Note($"{data.Train.Count:N0} seeds, {data.Labels.Count} labels, {data.Unlabelled.Count:N0} unlabelled, {data.Validation.Count:N0} validation and {data.Test.Count:N0} test rows.");
        if (data.Unlabelled.Count == 0 && options.Annotates)
        {
            context.Progress.Note("There are no unlabelled rows, so the teacher has nothing to annotate. Name a file in 'data.unlabelled', or take 'annotated' and 'both' out of 'arms'.");
        }

        var fingerprint = new Fingerprint().AddOptions("data", source).AddOptions("task", options.Task).Add("seed", options.Seed.ToString());
        try
        {
            return (data, new ClassificationTask(options.Task, data.Labels, source.Columns, options.Generates), fingerprint);
        }
        catch (ArgumentException e)
        {
            // The templates and words come from the run file, and do not fit the labels and columns.
            throw new InvalidDataException(e.Message, e);
        }
    }

    /// <summary>The tuned teacher, made from the run's pre-training or from the folder that it names.</summary>
    internal static (string Folder, Fingerprint Fingerprint) TuneTeacher(RunOptions options, ClassificationTask task, DataSets data, bool generates, Fingerprint dataPrint, RunContext context, out PretrainResult? pretrained, out TuneResult tuned)
    {
        pretrained = null;
        string model;
        Fingerprint modelPrint;
        if (options.Teacher.Model is { } folder)
        {
            if (options.Pretrain is not null)
            {
                context.Progress.Note("'pretrain' has no part in this run, since 'teacher.model' names the teacher.");
            }

            (model, modelPrint) = (folder, ModelPrint(folder, context));
        }
        else
        {
            (model, modelPrint, pretrained) = Pretrain.Run(options.Pretrain!, data, options.Seed, context);
        }

        (var teacher, var fingerprint, tuned) = FineTuneTeacher.Run(options.Teacher, model, task, data, generates, options.Seed, TunedOn(modelPrint, dataPrint), context);
        return (teacher, fingerprint);
    }

    // A commit says what the files hold, without a download; a branch that has moved is another one.
    internal static Fingerprint ModelPrint(string model, RunContext context) => context.FindModel(model) is { } onHub
        ? new Fingerprint().Add("teacher.model.commit", $"{onHub.Name} {onHub.Commit}")
        : new Fingerprint().AddContent("teacher.model", context.FetchModel(model));

    internal static Fingerprint TunedOn(Fingerprint model, Fingerprint data) => new Fingerprint().AddUpstream("model", model).AddUpstream("data", data);

    internal static Fingerprint TeacherTestPrint(RunOptions options, Fingerprint tuned) => new Fingerprint().AddUpstream("tune", tuned).Add("scoring", $"{options.Annotate.LengthNormalize} {options.Annotate.Calibrate}")
        .AddOptions("evaluation", options.Evaluation).Add("seed", $"{options.Seed}");

    internal static Fingerprint StudentTestPrint(RunOptions options, Fingerprint student) => new Fingerprint().AddUpstream("student", student).AddOptions("evaluation", options.Evaluation).Add("seed", $"{options.Seed}");

    internal static Fingerprint BothPrint(Fingerprint annotated, Fingerprint generated) => new Fingerprint().AddUpstream("annotate", annotated).AddUpstream("generate", generated);

    internal static Fingerprint TrainedOn(Fingerprint rows, Fingerprint data) => new Fingerprint().AddUpstream("arm", rows).AddUpstream("data", data);

    internal static long SeedOf(RunOptions options, TrainingOptions training, int repeat) => (long)(new SeededRandom(training.Seed ?? options.Seed).Fork("repeat", repeat).NextUInt64() >> 1);

    internal static List<string> VocabularyTexts(DataSets data) => [.. data.Train.Concat(data.Unlabelled).SelectMany(row => row.TextPair is null ? [row.Text] : new[] { row.Text, row.TextPair })];

    internal static List<Example> RowsOf(RunArm arm, DataSets data, IReadOnlyList<Example> annotated, IReadOnlyList<Example> generated) =>
        [.. data.Train, .. arm is RunArm.Annotated or RunArm.Both ? annotated : [], .. arm is RunArm.Generated or RunArm.Both ? generated : []];

    private static EvaluationResult? EvaluateTeacher(RunOptions options, string teacher, Fingerprint teacherPrint, ClassificationTask task, DataSets data, RunContext context)
    {
        if (data.Test.Count == 0)
        {
            return null;
        }

        var file = context.Folder.Predictions("teacher");
        var stage = context.Begin("evaluate-teacher", TeacherTestPrint(options, teacherPrint), file);
        if (stage.State != StageState.Finished)
        {
            var (result, predictions) = Evaluate.Teacher(teacher, task, data.Test, options.Annotate, options.Evaluation, options.Seed, options.Teacher.Tune.Precision, context);
            TestPrediction.Write(file, predictions);
            stage.Finish(result);
        }

        return stage.Result<EvaluationResult>();
    }

    private static List<ArmResult> TrainStudents(RunOptions options, DataSets data, List<Example> annotated, List<Example> generated, Dictionary<RunArm, Fingerprint> rowsPrint, RunContext context)
    {
        var results = new List<ArmResult>();
        var vocabularyTexts = VocabularyTexts(data);
        foreach (var student in options.Students)
        {
            foreach (var arm in options.Arms)
            {
                var rows = RowsOf(arm, data, annotated, generated);
                var training = student.TrainingOn(arm);
                for (var repeat = 1; repeat <= options.Repeats; repeat++)
                {
                    var name = ArmResult.NameOf(student.Name, arm, repeat);
                    var upstream = TrainedOn(rowsPrint[arm], rowsPrint[RunArm.SeedsOnly]);
                    var (folder, print, _) = TrainStudent.Run(name, student, training, rows, data.Validation, data.Labels, vocabularyTexts, SeedOf(options, training, repeat), upstream, context);
                    results.Add(new ArmResult(student.Name, NameOf(arm), repeat, rows.Count, EvaluateStudent(name, folder, print, options, data, context)));
                }
            }
        }

        return results;
    }

    private static EvaluationResult? EvaluateStudent(string name, string folder, Fingerprint print, RunOptions options, DataSets data, RunContext context)
    {
        if (data.Test.Count == 0)
        {
            return null;
        }

        var file = context.Folder.Predictions(name);
        torch.empty_cache();
        var stage = context.Folder.Begin($"{name}.evaluate", StudentTestPrint(options, print), file);
        if (stage.State != StageState.Finished)
        {
            var (result, predictions) = Evaluate.Student(folder, data.Test, options.Evaluation, options.Seed, context.Device, context.Cancel, context.BaseOf(folder));
            TestPrediction.Write(file, predictions);
            context.Folder.Metrics.DropAfter($"{name}.evaluate", -1);
            context.Folder.Metrics.Append($"{name}.evaluate", 0, ("test_accuracy", result.Accuracy), ("test_macro_f1", result.MacroF1));
            stage.Finish(result);
        }

        return stage.Result<EvaluationResult>();
    }

    /// <summary>An arm as it is called in folders and tables.</summary>
    internal static string NameOf(RunArm arm) => arm switch
    {
        RunArm.SeedsOnly => "seeds_only",
        RunArm.Annotated => "annotated",
        RunArm.Generated => "generated",
        _ => "both",
    };

    internal static List<Example> Examples(IReadOnlyList<SyntheticRow> rows, bool softLabels) =>
        [.. rows.Where(row => row.Verdict == Verdict.Kept).Select(row => row.ToExample(softLabels))];
}
