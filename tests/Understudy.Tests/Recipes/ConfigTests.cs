using Understudy.Recipes;
using Understudy.Runs;

namespace Understudy.Tests.Recipes;

public sealed class ConfigTests
{
    // A run file that is added or removed is named here too, so that a test that finds none cannot pass.
    private static readonly string[] Expected = ["box-bart-mini.yaml", "box-neox-mini.yaml", "box-roberta-mini.yaml", "demo.yaml", "slurp-intents.yaml"];

    private static string Folder => Path.Combine(Repository.Root, "configs");

    public static TheoryData<string> Names() => [.. Expected];

    [Fact]
    public void Every_run_file_is_tested() =>
        Assert.Equal(Expected, Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Folder, path)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_run_file_is_right_and_resolves_to_an_equal_one(string name)
    {
        var file = RunFile.Load<RunOptions>(Path.Combine(Folder, name), environment: _ => null);
        Assert.Equal(Path.GetFileNameWithoutExtension(name), file.Options.Name);
        var again = RunFile.Parse<RunOptions>(file.ToYaml(), "/elsewhere/run.yaml", environment: _ => null);
        Assert.Equal(file.ToYaml(), again.ToYaml());
        Assert.Equivalent(file.Options, again.Options, strict: true);
    }
}
