using System.CommandLine;
using System.Globalization;
using Understudy.Box;
using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Cli.Verbs;

/// <summary><c>understudy models [NAME]</c></summary>
internal static class ModelsVerb
{
    public static Command Create(Execution execution)
    {
        var name = new Argument<string?>("NAME") { Description = "One of them, with or without box://: its card's first words and its folder.", Arity = ArgumentArity.ZeroOrOne };
        name.Validators.Add(GlobalOptions.RefuseOptions);
        var json = GlobalOptions.Json("One JSON object in place of the table; sizes are in bytes.");
        var verb = new Verb("models", "Lists the models that come with Understudy, which run files and verbs take as box://NAME, and where they lie. No weight is read.",
            "understudy models\nunderstudy models neox-mini")
        {
            name, json,
        };
        verb.SetAction(parsed =>
        {
            var box = ModelBox.FromEnvironment();
            if (parsed.GetValue(name) is { } one)
            {
                var model = BoxedModels.Describe(box, one);
                execution.Output.Write(parsed.GetValue(json) ? RunJson.Text(model) : Facts(model));
            }
            else
            {
                var listing = BoxedModels.List(box);
                execution.Output.Write(parsed.GetValue(json) ? RunJson.Text(listing) : Table(listing));
            }
            return ExitCodes.Done;
        });
        return verb;
    }

    internal static string Table(BoxListing listing)
    {
        if (listing.Models.Count == 0)
            return $"There are no models in the box. {TerminalText.Of(listing.Search)} {ModelBox.Variable} names another folder.\n";
        var lines = listing.Models.Select(model => new[]
        {
            model.Name, model.Family ?? "", Use(model), model.License ?? "", model.Path, model.Parameters is { } count ? Text($"{count:N0}") : "", BinarySize.Text(model.Bytes),
        }).Prepend(["model", "family", "use", "licence", "folder", "parameters", "size"]).ToList();
        var text = TextTable.Of(lines, texts: 5);
        foreach (var model in listing.Models.Where(model => model.Fault is not null))
            text += TerminalText.Of($"{model.Name}: {model.Fault}\n");
        return text;
    }

    internal static string Facts(BoxedModel model)
    {
        var facts = TextTable.Of(
        [
            ["model", model.Name], ["family", $"{model.Architecture} ({model.Family})"], ["use", Use(model)], ["licence", model.License ?? "not said"],
            ["parameters", model.Parameters is { } count ? Text($"{count:N0}") : ""], ["weights", string.Join(", ", model.Types)], ["size", BinarySize.Text(model.Bytes)], ["folder", model.Path],
        ], texts: 2);
        return model.Summary.Length == 0 ? facts : $"{facts}\n{TerminalText.Of(model.Summary)}\n";
    }

    private static string Use(BoxedModel model) => model.Use is { } use ? ScalarValue.Text(use).Replace('_', ' ') : "";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
