using System.CommandLine;
using System.Globalization;
using Understudy.Recipes;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy quantize MODEL --output FOLDER</c></summary>
internal static class QuantizeVerb
{
    public static Command Create(Execution execution)
    {
        var model = new Argument<string>("MODEL") { Description = $"Folder of a model, {NamedModel.OrByName}" };
        model.Validators.Add(GlobalOptions.RefuseOptions);
        var output = GlobalOptions.Text("--output", "FOLDER", "The folder for the 4-bit model, new or empty.");
        output.Required = true;
        var plain = new Option<bool>("--single") { Description = "Leave the scales of the blocks in float32: 4.5 bits a number instead of 4.13." };
        var verb = new Verb("quantize", "Writes a model with its linear layers in 4 bits (NF4), as transformers with bitsandbytes loads it.",
            "understudy quantize models/pythia-1.4b --output models/pythia-1.4b-nf4")
        {
            model, output, plain,
        };
        verb.SetAction(parsed =>
        {
            var to = parsed.GetRequiredValue(output);
            var (before, after) = Quantize.Run(NamedModel.Folder(parsed.GetRequiredValue(model), execution), to, doubleQuantization: !parsed.GetValue(plain));
            execution.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFullPath(to)}: {after:N0} bytes of weights, before {before:N0}"));
            return ExitCodes.Done;
        });
        return verb;
    }
}
