using System.CommandLine;
using Understudy.Hub;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Cli.Verbs;

/// <summary>What the verbs that take a run file share: overrides, the run folder, progress.</summary>
internal static class RunFileVerb
{
    /// <summary>A verb that does a part of a run.</summary>
    /// <param name="name">The verb.</param>
    /// <param name="description">What it does.</param>
    /// <param name="example">How it is called.</param>
    /// <param name="execution">The process around it.</param>
    /// <param name="begins">The sections whose models it begins with.</param>
    /// <param name="recipe">Does it, and returns what to print.</param>
    public static Verb Create(string name, string description, string example, Execution execution, Func<RunOptions, IEnumerable<string>> begins, Func<RunFile<RunOptions>, RunContext, string> recipe)
    {
        var file = new Argument<string>("FILE") { Description = "The run file (YAML)." };
        file.Validators.Add(GlobalOptions.RefuseOptions);
        var set = GlobalOptions.Set("A value in place of the run file's, for example --set students.0.training.epochs=3. May be given several times.");
        var output = GlobalOptions.Text("--output", "FOLDER", "The run folder, in place of the run file's.");
        var threads = GlobalOptions.Threads();
        var verb = new Verb(name, description, example) { Continues = true };
        verb.Add(file);
        verb.Add(set);
        verb.Add(output);
        verb.Add(threads);
        verb.SetAction(parsed =>
        {
            List<string> overrides = [.. parsed.GetValue(set) ?? []];
            if (parsed.GetValue(output) is { } folder)
                overrides.Add($"output={folder}");
            if (parsed.GetResult(threads) is not null)
                overrides.Add($"threads={parsed.GetValue(threads)}");
            var read = RunFile.Load<RunOptions>(parsed.GetRequiredValue(file), overrides);
            read.CheckInputs();
            execution.Output.WriteLine(RunScreen.Show(execution.Error, progress => Run(read, begins, recipe, progress, execution.Stop)));
            return ExitCodes.Done;
        });
        return verb;
    }

    private static string Run(RunFile<RunOptions> file, Func<RunOptions, IEnumerable<string>> begins, Func<RunFile<RunOptions>, RunContext, string> recipe, IRunProgress progress, CancellationToken stop)
    {
        var options = file.Options;
        foreach (var given in file.Overrides)
            progress.Note($"override {given}");
        progress.Note($"run folder {options.OutputFolder}");
        var device = GlobalOptions.DeviceOf(options.Device);
        GlobalOptions.UseThreads(options.Threads);
        using var models = new ModelFolders();
        var onHub = FindModels(file, [.. begins(options)], models, progress, stop);
        using var folder = RunFolder.Open(options.OutputFolder);
        if (folder.Metrics.BytesCut is > 0 and var cut)
            progress.Note($"metrics.jsonl ended in a line of {cut} bytes that was cut short, and it was removed.");
        folder.Write(file);
        folder.Write(new RunManifest
        {
            Libtorch = torch.__version__,
            Device = device.ToString(),
            Threads = torch.get_num_threads(),
            Seed = options.Seed,
            Inputs = file.HashInputs(),
            Models = onHub,
            Overrides = file.Overrides,
        });
        return Storage.GuardFull(folder.Path, () => recipe(file, new RunContext(folder, progress, device, stop) { Models = models }));
    }

    // Before anything is done: a name that is wrong, or a licence that nobody accepted, must not come out after an hour.
    internal static SortedDictionary<string, HubModel> FindModels(RunFile<RunOptions> file, string[] sections, ModelFolders models, IRunProgress progress, CancellationToken stop)
    {
        var found = new SortedDictionary<string, HubModel>(StringComparer.Ordinal);
        var faults = new List<RunFileFault>();
        foreach (var input in file.HubInputs.Where(input => sections.Any(section => input.KeyPath.StartsWith(section, StringComparison.Ordinal))))
        {
            try
            {
                found[input.KeyPath] = models.Find(input.OnHub!.ToString(), progress, stop)!;
            }
            catch (HubException e)
            {
                faults.Add(input.HubFault(e.Message));
            }
        }
        return faults.Count == 0 ? found : throw new RunFileException(faults);
    }
}
