using System.Text.RegularExpressions;
using Understudy.Data;
using Understudy.Evaluation;
using Understudy.Synthesis;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>A run from a few labels to trained students: the root section of a run file.</summary>
public sealed partial record RunOptions
{
    /// <summary>What the run is called: letters, digits, <c>.</c>, <c>_</c> and <c>-</c>.</summary>
    /// <value>It has no default value.</value>
    public required string Name { get; init; }

    /// <summary>The run folder. A relative path is relative to the current directory.</summary>
    /// <value>The default value is null: <c>runs/</c> and the name.</value>
    [OutputPath]
    public string? Output { get; init; }

    /// <summary>The seed that everything random derives from.</summary>
    /// <value>The default value is 1.</value>
    public long Seed { get; init; } = 1;

    /// <summary>Where tensors live: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    /// <value>The default value is <c>cpu</c>.</value>
    [NotInFingerprint]
    public string Device { get; init; } = "cpu";

    /// <summary>Processor threads for arithmetic, at least 0.</summary>
    /// <value>The default value is 0: one for each core.</value>
    [NotInFingerprint]
    public int Threads { get; init; }

    /// <summary>The labelled and unlabelled data.</summary>
    /// <value>The default value is null, which only <c>understudy pretrain</c> does without.</value>
    public DataOptions? Data { get; init; }

    /// <summary>The task in words: prompts, completions, the words for labels.</summary>
    /// <value>The default value is a text and its label, with the labels' names as words.</value>
    public TaskOptions Task { get; init; } = new();

    /// <summary>How a language model is made from nothing: the teacher's, or one that <c>understudy pretrain</c> makes for other runs to begin with.</summary>
    /// <value>The default value is null: <c>teacher.model</c> names one. When it does, this section has no part in the run.</value>
    public PretrainOptions? Pretrain { get; init; }

    /// <summary>The teacher.</summary>
    /// <value>The default value is the model that <c>pretrain</c> makes, tuned on the seeds.</value>
    public TeacherOptions Teacher { get; init; } = new();

    /// <summary>How the teacher labels unlabelled text.</summary>
    /// <value>The default value is soft labels for all of it.</value>
    public AnnotateOptions Annotate { get; init; } = new();

    /// <summary>How the teacher writes new texts.</summary>
    /// <value>The default value is 50 for each label.</value>
    public GenerateOptions Generate { get; init; } = new();

    /// <summary>The students, each trained once for every arm and repeat.</summary>
    /// <value>The default value is none: the run ends with the teacher's rows.</value>
    public IReadOnlyList<StudentOptions> Students { get; init; } = [];

    /// <summary>What students are trained on, one table row for each.</summary>
    /// <value>The default value is seeds_only, annotated, generated, both.</value>
    public IReadOnlyList<RunArm> Arms { get; init; } = [RunArm.SeedsOnly, RunArm.Annotated, RunArm.Generated, RunArm.Both];

    /// <summary>How many times each student is trained on each arm, each time with another seed; at least 1.</summary>
    /// <value>The default value is 1.</value>
    public int Repeats { get; init; } = 1;

    /// <summary>How models are measured on the test rows.</summary>
    /// <value>The default value is 64 rows of a student at once, 1,000 resamples for each bootstrap interval.</value>
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>The run folder: <see cref="Output"/>, or <c>runs/</c> and the name, as an absolute path.</summary>
    public string OutputFolder => Path.GetFullPath(Output ?? Path.Combine("runs", Name));

    /// <summary>Whether an arm uses texts that the teacher writes.</summary>
    internal bool Generates => Arms.Any(arm => arm is RunArm.Generated or RunArm.Both);

    /// <summary>Whether an arm uses texts that the teacher labels.</summary>
    internal bool Annotates => Arms.Any(arm => arm is RunArm.Annotated or RunArm.Both);

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            Data is null && (Pretrain is null || Students.Count > 0)
                ? new OptionFault("data", "expected the rows to learn from, found none. Name them in 'data.train'; only a run file that does nothing but 'pretrain' goes without.")
                : null,
            Data is null && Pretrain is { Corpus.Count: 0 }
                ? new OptionFault("pretrain.corpus", "expected at least one text file, found none, and without 'data' there is no unlabelled pool either. Add one.")
                : null,
            Data is not null && Pretrain is { Model: null, Architecture.Family: not ArchitectureFamily.GptNeox } && Teacher.Model is null && (Annotates || Generates)
                ? new OptionFault("pretrain.architecture.family", "expected gpt_neox, since a teacher writes its labels, and 'arms' asks for a teacher. Use gpt_neox, name another teacher in 'teacher.model', or set 'arms' to [seeds_only].")
                : null,
            FileName("name", Name),
            NotBlank("output", Output),
            DeviceName().IsMatch(Device) ? null : new OptionFault("device", $"expected cpu, cuda or cuda:N, found '{Device}'."),
            Between("threads", Threads, 0, 4096),
            AtLeast("repeats", Repeats, 1),
            Arms.Count == 0 ? new OptionFault("arms", "expected at least one arm, found none.") : null,
            Arms.Distinct().Count() < Arms.Count ? new OptionFault("arms", "an arm occurs twice. Remove one.") : null,
            Pretrain is null && Teacher.Model is null && Arms.Any(arm => arm != RunArm.SeedsOnly)
                ? new OptionFault("teacher", "expected a teacher for the arms that use one, found none. Name a folder in 'teacher.model', describe one in 'pretrain', or set 'arms' to [seeds_only].")
                : null),
        .. (Data?.Validate() ?? []).Select(fault => fault.Under("data")),
        .. Task.Validate().Select(fault => fault.Under("task")),
        .. (Pretrain?.Validate() ?? []).Select(fault => fault.Under("pretrain")),
        .. Teacher.Validate().Select(fault => fault.Under("teacher")),
        .. Annotate.Validate().Select(fault => fault.Under("annotate")),
        .. Generate.Validate().Select(fault => fault.Under("generate")),
        .. Students.SelectMany((student, i) => student.Validate().Select(fault => fault.Under($"students[{i}]"))),
        .. Students.GroupBy(student => student.Name).Where(group => group.Count() > 1)
            .Select(group => new OptionFault("students", $"{group.Count()} students are called '{group.Key}'. Give each its own 'name'.")),
        .. Evaluation.Validate().Select(fault => fault.Under("evaluation")),
        .. ValidationFaults(),
    ];

    // Without validation rows a training cannot do what these ask for.
    private IEnumerable<OptionFault> ValidationFaults()
    {
        if (Data is null || Data.Validation is not null || Data.Split?.Validation > 0)
        {
            return [];
        }

        List<(string Path, TrainingOptions? Options)> trainings = [("teacher.tune", Teacher.Tune)];
        for (var i = 0; i < Students.Count; i++)
        {
            trainings.Add(($"students[{i}].training", Students[i].Training));
            trainings.Add(($"students[{i}].synthetic_training", Students[i].SyntheticTraining));
        }

        return from training in trainings
               from option in new[] { (Key: "eval_every", Value: training.Options?.EvalEvery), (Key: "early_stopping_patience", Value: training.Options?.EarlyStoppingPatience) }
               where option.Value is not null
               select new OptionFault($"{training.Path}.{option.Key}", "needs validation rows, found none. Name a file in 'data.validation', or hold some out with 'data.split.validation'.");
    }

    [GeneratedRegex(@"\A(cpu|cuda(:[0-9]{1,3})?)\z")]
    private static partial Regex DeviceName();
}
