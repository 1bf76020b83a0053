using System.CommandLine;
using Understudy.Models;
using Understudy.Recipes;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy merge ADAPTER --output FOLDER</c></summary>
internal static class MergeVerb
{
    public static Command Create(Execution execution)
    {
        var adapter = new Argument<string>("ADAPTER") { Description = "A PEFT folder: adapter_config.json and adapter_model.safetensors. Its base is looked for where adapter_config.json says." };
        adapter.Validators.Add(GlobalOptions.RefuseOptions);
        var output = new Option<string>("--output", "-o") { Description = "The folder for the whole model, new or empty.", HelpName = "FOLDER", Required = true };
        var threads = GlobalOptions.Threads();
        var device = GlobalOptions.Device();
        var verb = new Verb("merge", "Adds an adapter to the weights of its base and writes the whole model, in the type of the base.",
            "understudy merge runs/slurp-intents/models/teacher-adapter --output merged")
        {
            adapter, output, threads, device,
        };
        verb.SetAction(parsed =>
        {
            GlobalOptions.UseThreads(parsed.GetValue(threads));
            var folder = parsed.GetRequiredValue(adapter);
            // Says what is missing when this is no PEFT folder.
            _ = AdapterFolder.ReadConfig(folder);
            var target = parsed.GetRequiredValue(output);
            var layers = MergeAdapter.Run(folder, NamedModel.Base(folder, execution)!, target, GlobalOptions.DeviceOf(parsed.GetRequiredValue(device)));
            execution.Output.WriteLine($"{target}: {layers} layers changed");
            return ExitCodes.Done;
        });
        return verb;
    }
}
