using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;
using Understudy.Torch;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy export MODEL --output FOLDER</c></summary>
internal static class ExportVerb
{
    public static Command Create(Execution execution)
    {
        var model = new Argument<string>("MODEL") { Description = $"Folder of a whole model, {NamedModel.OrByName}" };
        model.Validators.Add(GlobalOptions.RefuseOptions);
        var output = GlobalOptions.Text("--output", "FOLDER", "The folder for the copy, new or empty.");
        output.Required = true;
        var type = new Option<string>("--dtype") { Description = "Type of the weights in the copy: float32, bfloat16 or float16. By default that of the file.", HelpName = "TYPE" };
        type.AcceptOnlyFromAmong("float32", "bfloat16", "float16");
        var verb = new Verb("export", "Writes a model anew as transformers loads it, in another type where asked for: what that library needs beside the weights and the folder lacks is added.",
            "understudy export runs/demo/models/teacher --output teacher-bf16 --dtype bfloat16")
        {
            model, output, type,
        };
        verb.SetAction(parsed =>
        {
            var to = parsed.GetRequiredValue(output);
            ScalarType? dtype = parsed.GetValue(type) switch { "float32" => ScalarType.Float32, "bfloat16" => ScalarType.BFloat16, "float16" => ScalarType.Float16, _ => null };
            var (before, after) = Export.Run(NamedModel.Folder(parsed.GetRequiredValue(model), execution), to, dtype);
            execution.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFullPath(to)}: {after:N0} bytes of weights, before {before:N0}"));
            return ExitCodes.Done;
        });
        return verb;
    }
}
