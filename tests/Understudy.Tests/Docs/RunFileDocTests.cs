namespace Understudy.Tests.Docs;

public sealed class RunFileDocTests
{
    private const string Mark = "<!-- Below: written by the tests from the options' own documentation. UNDERSTUDY_UPDATE_DOCS=1 ./understudy test RunFileDoc -->\n\n";

    [Fact]
    public void Every_key_is_documented_as_the_code_says()
    {
        var path = Path.Combine(Repository.Root, "docs", "run-file.md");
        var page = File.ReadAllText(path);
        var cut = page.IndexOf(Mark, StringComparison.Ordinal);
        Assert.True(cut > 0, $"{path} has lost the line that divides what is written by hand from what is not.");
        var expected = page[..(cut + Mark.Length)] + RunFileReference.Write().TrimEnd() + "\n";
        if (Environment.GetEnvironmentVariable("UNDERSTUDY_UPDATE_DOCS") == "1")
            File.WriteAllText(path, expected);
        Assert.Equal(expected, File.ReadAllText(path));
    }
}
