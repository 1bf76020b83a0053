using System.Text.RegularExpressions;

namespace Understudy.Tests;

/// <summary>Which part of the house may use which: CONTRIBUTING.md says it in words.</summary>
public sealed partial class ImportArrowTests
{
    private static readonly string[] Ground = ["Data", "Tokenization", "Torch", "Box"];
    private static readonly string[] ModelsAndBelow = ["Models", .. Ground];
    private static readonly string[] TrainingAndBelow = ["Training", "Generation", .. ModelsAndBelow];
    private static readonly string[] RecipesAndBelow = ["Recipes", "Synthesis", "Evaluation", "Reports", "Runs", "Hub", .. TrainingAndBelow];

    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Torch"] = [],
        ["Data"] = [],
        ["Tokenization"] = [],
        // Hub stands beside Data: it knows nothing of models, tensors or runs; a run file knows what a name on the Hub looks like.
        ["Hub"] = ["Data"],
        // Box likewise; an adapter's folder may name a base in it.
        ["Box"] = ["Data"],
        ["Runs"] = ["Data", "Hub", "Box"],
        ["Models"] = Ground,
        ["Training"] = ModelsAndBelow,
        ["Generation"] = ModelsAndBelow,
        ["Synthesis"] = TrainingAndBelow,
        ["Evaluation"] = TrainingAndBelow,
        ["Reports"] = [],
        ["Recipes"] = ["Synthesis", "Evaluation", "Reports", "Runs", "Hub", .. TrainingAndBelow],
        ["Parity"] = RecipesAndBelow,
        ["Cli"] = ["Parity", .. RecipesAndBelow],
    };

    [Fact]
    public void No_arrow_points_up()
    {
        var source = Path.Combine(Repository.Root, "src");
        var files = Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(source, file))
            .Where(file => !file.Split('/').Any(part => part is "bin" or "obj"))
            .ToList();
        Assert.True(files.Count > 100, $"Only {files.Count} source files in {source}.");
        Assert.Empty(files.SelectMany(file => Faults(file, File.ReadAllText(Path.Combine(source, file)))));
    }

    [Theory]
    [InlineData("Understudy/Models/Bert.cs", "using Understudy.Torch;\nnamespace Understudy.Models;", null)]
    [InlineData("Understudy/Models/Bert.cs", "using Understudy.Training;", "Understudy/Models/Bert.cs: Models must not use Training.")]
    [InlineData("Understudy/Data/Example.cs", "using static Understudy.Torch.nn;", "Understudy/Data/Example.cs: Data must not use Torch.")]
    [InlineData("Understudy/Runs/RunFile.cs", "using Rows = System.Collections.Generic.List<Understudy.Recipes.RunArm>;", "Understudy/Runs/RunFile.cs: Runs must not use Recipes.")]
    [InlineData("Understudy/Data/Example.cs", "    var x = Understudy.Models.Bert.Load();", "Understudy/Data/Example.cs: Data must not use Models.")]
    [InlineData("Understudy/Data/Example.cs", "    var x = Models.Bert.Load();", "Understudy/Data/Example.cs: Data must not use Models.")]
    [InlineData("Understudy/Data/Example.cs", "/// <see cref=\"Understudy.Models.Bert\"/>\n// Understudy.Models", null)]
    [InlineData("Understudy/Helpers/Text.cs", "", "Understudy/Helpers/Text.cs: Helpers has no place in the house. Give it one in CONTRIBUTING.md and here.")]
    [InlineData("Understudy/Hub/HubClient.cs", "using Understudy.Data;\nusing Understudy.Torch;", "Understudy/Hub/HubClient.cs: Hub must not use Torch.")]
    [InlineData("Understudy/Models/Bert.cs", "using Understudy.Hub;", "Understudy/Models/Bert.cs: Models must not use Hub.")]
    [InlineData("Understudy.Torch/Tensor.cs", "using Understudy.Data;", "Understudy.Torch/Tensor.cs: Torch must not use Data.")]
    [InlineData("Understudy.Cli/Program.cs", "using Understudy.Recipes;", null)]
    public void An_arrow_that_points_up_is_found(string file, string text, string? fault) =>
        Assert.Equal(fault is null ? [] : [fault], Faults(file, text));

    private static IEnumerable<string> Faults(string file, string text)
    {
        var parts = file.Split('/');
        var part = parts[0] == "Understudy" ? parts[1] : parts[0]["Understudy.".Length..];
        if (!MayUse.TryGetValue(part, out var mayUse))
        {
            return [$"{file}: {part} has no place in the house. Give it one in CONTRIBUTING.md and here."];
        }

        return text.Split('\n')
            .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && !line.StartsWith("namespace ", StringComparison.Ordinal))
            .SelectMany(line => QualifiedName().Matches(line))
            .Select(match => match.Groups["part"].Value)
            .Where(used => used != part && MayUse.ContainsKey(used) && !mayUse.Contains(used))
            .Distinct()
            .Select(used => $"{file}: {part} must not use {used}.");
    }

    // Understudy.Models.Bert, and Models.Bert, which is enough inside the namespace Understudy.
    [GeneratedRegex(@"\bUnderstudy\.(?<part>[A-Z][A-Za-z]+)|(?<![\w.""])(?<part>[A-Z][A-Za-z]+)\.[A-Z]")]
    private static partial Regex QualifiedName();
}
