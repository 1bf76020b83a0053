using Understudy.Evaluation;

namespace Understudy.Recipes;

/// <summary>One of the runs that are compared.</summary>
/// <param name="Folder">Its folder, as it was given.</param>
/// <param name="Name">Its <c>name</c>.</param>
/// <param name="Seed">Its <c>seed</c>.</param>
/// <param name="Seeds">Its labelled rows.</param>
/// <param name="TestRows">Rows that its models were measured on; 0 without any.</param>
public sealed record ComparedRun(string Folder, string Name, string Seed, int Seeds, int TestRows);

/// <summary>A setting that is not the same in all runs.</summary>
/// <param name="Key">Its key path.</param>
/// <param name="Values">What each run's <c>run.yaml</c> has there; null where it has nothing.</param>
/// <param name="CanChangeResults">Whether it may be why the runs differ; threads and batch sizes of evaluation, for example, may not.</param>
public sealed record SettingDifference(string Key, IReadOnlyList<string?> Values, bool CanChangeResults);

/// <summary>What one run says of a student on an arm.</summary>
/// <param name="Repeats">Trainings, whose mean this is.</param>
/// <param name="Accuracy">Mean accuracy; null without test rows.</param>
/// <param name="Interval">Its 95% interval, as in the run's own table.</param>
/// <param name="ToFirst">How it differs from the first run; null in the first run, and where one of the two has no figure.</param>
public sealed record ComparedFigure(int Repeats, double? Accuracy, ConfidenceInterval? Interval, RunDifference? ToFirst);

/// <summary>A run's models against the first run's.</summary>
/// <param name="Difference">Mean accuracy less that of the first run, from -1 to 1.</param>
/// <param name="Interval">
/// Its 95% interval by a paired bootstrap over the test rows: these trained models, what might other test rows have shown?
/// Null when the predictions are not there, or are not of the same rows, or bootstrapping is off.
/// </param>
/// <param name="P">
/// The same question as a test: McNemar's exact one, with several repeats a paired t test over the rows
/// (<see cref="SignificanceTests.OverRows"/>). It says nothing of other training seeds. Null without predictions of the same rows.
/// </param>
public sealed record RunDifference(double Difference, ConfidenceInterval? Interval, double? P);

/// <summary>A student on an arm, or the teacher, in every run.</summary>
/// <param name="Model">The student's name, or <c>teacher</c>.</param>
/// <param name="TrainedOn">The arm.</param>
/// <param name="Runs">What each run says; null where it has no such arm.</param>
public sealed record ComparedArm(string Model, string TrainedOn, IReadOnlyList<ComparedFigure?> Runs);

/// <summary>A student on an arm over runs that differ in their seed alone: each run's mean accuracy is one value.</summary>
/// <param name="Model">The student's name, or <c>teacher</c>.</param>
/// <param name="TrainedOn">The arm.</param>
/// <param name="Mean">Mean accuracy over the runs.</param>
/// <param name="Interval">Its 95% interval, Student's t: what might other seeds have given, with other few-shot samples, another teacher and other synthetic rows?</param>
/// <param name="ToSeedsOnly">Mean difference to the same student's <c>seeds_only</c>; null for that and for the teacher.</param>
/// <param name="ToSeedsOnlyInterval">Its 95% interval, Student's t.</param>
/// <param name="PairedTP">Student's paired t test of it over the runs.</param>
public sealed record ArmOverRuns(string Model, string TrainedOn, double Mean, ConfidenceInterval Interval, double? ToSeedsOnly, ConfidenceInterval? ToSeedsOnlyInterval, double? PairedTP);

/// <summary>Runs side by side.</summary>
/// <param name="Runs">The runs, as given.</param>
/// <param name="Settings">The settings that differ, <c>name</c> and <c>output</c> apart.</param>
/// <param name="SameTestRows">Whether all were measured on rows of the same ids and labels; null when a run has no predictions to say so.</param>
/// <param name="Arms">Every student on every arm.</param>
/// <param name="OverRuns">The means over the runs; empty unless they differ in <c>seed</c> alone, each with its own.</param>
public sealed record CompareResult(IReadOnlyList<ComparedRun> Runs, IReadOnlyList<SettingDifference> Settings, bool? SameTestRows, IReadOnlyList<ComparedArm> Arms, IReadOnlyList<ArmOverRuns> OverRuns);
