using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Recipes;

/// <summary>
/// Says before a run what it is going to take: time, memory, rows and tokens of each stage. Every model is made with random weights of its shape and takes a
/// few real steps at the batches that the run would come to. The run folder is read, never written.
/// </summary>
public static class Plan
{
    /// <summary>Plans a run.</summary>
    /// <param name="options">The run.</param>
    /// <param name="plan">How.</param>
    /// <param name="device">Where it would compute.</param>
    /// <param name="models">Where the models that it begins with come from; a model on the Hub is downloaded, as the run would.</param>
    /// <param name="progress">Told what is being measured.</param>
    /// <param name="cancel">Asked between two steps.</param>
    /// <exception cref="InvalidDataException">What the run would refuse.</exception>
    public static PlanResult Run(RunOptions options, PlanOptions plan, Device device, ModelFolders models, IRunProgress progress, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(plan);
        var memory = MachineMemory.Read();
        var onDevice = device.type == DeviceType.CPU ? null : torch.cuda.mem_get_info(device);
        var scratch = Directory.CreateTempSubdirectory("understudy-plan-");
        try
        {
            using var folder = RunFolder.Open(Path.Combine(scratch.FullName, "run"));
            var context = new RunContext(folder, progress, device, cancel) { Models = models };
            var (data, task, dataPrint) = Distill.Prepare(options, context);
            var finished = PlanFinished.Of(options, data, dataPrint, context);
            using var bar = progress.Start("measure", null, "batches");
            var meter = new PlanMeter(device, memory, plan.Seconds, bar, cancel) { Pieces = PiecesOf(options, data.Test.Count > 0) };
            var run = new PlanRun(options, data, task, finished, meter, context);
            var (annotated, generated) = options.Annotates || options.Generates ? PlanTeacher.Add(run) : ([], []);
            PlanStudents.Add(run, annotated, generated);
            bar.Finish();
            return Result(run, plan, memory, onDevice?.Free);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private static int PiecesOf(RunOptions options, bool tests) =>
        (options.Annotates || options.Generates ? (options.Teacher.Model is null ? 1 : 0) + 2 + (options.Generates ? 1 : 0) : 0)
        + options.Students.Sum(student => options.Arms.Select(student.TrainingOn).Distinct().Count() + (tests ? 1 : 0));

    private static PlanResult Result(PlanRun run, PlanOptions plan, MachineMemory memory, long? deviceFree)
    {
        var peak = run.Stages.Select(stage => stage.PeakBytes).DefaultIfEmpty().Max();
        var devicePeak = run.Stages.Max(stage => stage.DevicePeakBytes);
        // Where a GPU computes, what is on it decides; the machine's own memory then holds little but the data.
        var free = deviceFree ?? memory.Free;
        var fits = peak <= memory.Free && (devicePeak is not { } onDevice || onDevice <= deviceFree);
        if (run.Stages.Any(stage => stage.Basis == PlanBasis.Reckoned))
        {
            run.Assumptions.Add("Stages marked 'reckoned' are too large to be measured here; their figures come from sizes alone.");
        }

        return new PlanResult(
            run.Options.OutputFolder, run.Context.Device.ToString(), torch.get_num_threads(), run.Stages, run.Stages.Sum(stage => stage.SecondsLeft), peak, devicePeak,
            memory, deviceFree, fits, fits ? [] : [.. run.Needs.Where(need => need.Peak > free).SelectMany(need => PlanAdvisor.Changes(need, free))],
            [.. run.Assumptions.Distinct()], run.Meter.Elapsed);
    }
}
