using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

/// <summary>What is no classification task is refused in words.</summary>
public sealed class InitFaultTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("a.csv", "id,text,label\n1,one two,a\n2,two three,b\n", "a.csv: column 'label' has 2 different values in 2 rows, so it cannot be learnt as a label; expected at least two rows for a label on average. Name another column with --label, or add rows.")]
    [InlineData("a.csv", "text,label\none,a\ntwo,a\nthree,a\n", "a.csv: column 'label' says 'a' in all 3 rows; expected at least two labels to tell apart. Name another column with --label, or add rows with other labels.")]
    [InlineData("a.csv", "text,label\none,a\ntwo,\nthree,b\n", "a.csv: 1 of 3 rows have no label in column 'label', the first on line 3; expected one on every row. Fill them in, or move these rows to a file of their own and name it with --unlabelled.")]
    [InlineData("a.jsonl", "{\"text\":\"one\",\"label\":0.5}\n{\"text\":\"two\",\"label\":0.25}\n", "a.jsonl: column 'label' holds lists, objects or fractions; expected a string, an integer, true or false as label. Name another column with --label.")]
    [InlineData("a.csv", "text,label\none,a\ntwo,\" a\"\nthree,a\nfour,\" a\"\n", "a.csv: column 'label' has labels that differ in white space alone: 'a' and ' a'; expected one spelling for each label. Make them one.")]
    [InlineData("a.csv", "name,place\nann,here\nbob,there\ncid,nowhere\n", "a.csv: found no column that could be the label; expected one with at least two different values, each on several rows; found ['name' (3 rows, 3 different values), 'place' (3 rows, 3 different values)]. If one of them is the label, name it with --label.")]
    [InlineData("a.csv", "size,label\n1,a\n2,b\n3,a\n4,b\n", "a.csv: found no column of texts beside the label 'label'; expected one with words in most rows; found ['size' (4 rows, 4 different values), 'label' (4 rows, 2 different values)]. If one of them is the text, name it with --text; if 'label' is not the label, name that with --label.")]
    [InlineData("a.csv", "id,text,label\n1,one,a\n1,two,b\n2,one,a\n2,two,b\n", "a.csv: the column 'id' has 2 different values in 4 rows; expected another one in every row. Rename the column if it is no id, or make its values unique.")]
    [InlineData("a.txt", "one\ntwo\n", "a.txt: expected labelled rows (JSON Lines, CSV or TSV with a column of texts and one of labels), found plain text. Unlabelled text goes with --unlabelled.")]
    [InlineData("a.csv", "\n\n", "a.csv: the file has no rows; expected at least one.")]
    [InlineData("a.csv", "text,label\none,a\n,b\ntwo,a\nthree,b\n", "a.csv(3): column 'text' is empty; expected a text. Remove the row or fill it in.")]
    public void What_is_no_classification_task_is_refused(string name, string text, string expected)
    {
        File.WriteAllText(folder[name], text);
        Assert.Equal(expected, Refused(new InitOptions { File = folder[name], Output = folder["run.yaml"] }));
        Assert.False(File.Exists(folder["run.yaml"]));
    }

    [Fact]
    public void Columns_and_files_that_do_not_fit_are_named()
    {
        File.WriteAllText(folder["a.csv"], "first,second,kind\none two,x y,a\ntwo three,y z,b\nthree,z,a\nfour,w,b\n");
        File.WriteAllText(folder["t.csv"], "first,second,kinds\none two,x y,a\n");
        File.WriteAllText(folder["p.txt"], "one\n");
        var options = new InitOptions { File = folder["a.csv"], Output = folder["run.yaml"] };
        Assert.Equal("a.csv: there is no column 'kinf'; found [first, second, kind]. Did you mean 'kind'? Name one of them with --label.", Refused(options with { Label = "kinf" }));
        Assert.Equal("a.csv: expected different columns for text, second text and label, found 'kind', 'none' and 'kind'. Choose others with --text, --text-pair and --label.", Refused(options with { Text = "kind", Label = "kind" }));
        Assert.Equal("t.csv: there is no column 'kind' as in the labelled file; found [first, second, kinds]. Did you mean 'kinds'? Rename the column, or name another file with --test.", Refused(options with { Test = folder["t.csv"] }));
        Assert.Equal("p.txt: plain text has no labels, so nothing can be tested on it; expected JSON Lines, CSV or TSV with the columns of the labelled file. Name another file with --test, or leave it out to have rows held out.", Refused(options with { Test = folder["p.txt"] }));
        Assert.Equal("p.txt: plain text has one text a line, but the rows of the labelled file have two ('first' and 'second'); expected JSON Lines, CSV or TSV with both columns. Name another file with --unlabelled, or take the first text alone with --text first.", Refused(options with { Unlabelled = [folder["p.txt"]] }));
    }

    [Fact]
    public void A_file_that_is_there_is_overwritten_only_when_that_is_said()
    {
        File.WriteAllText(folder["a.csv"], "text,label\none two,a\ntwo three,b\nthree,a\nfour,b\n");
        File.WriteAllText(folder["run.yaml"], "mine");
        var options = new InitOptions { File = folder["a.csv"], Output = folder["run.yaml"] };
        Assert.Equal($"{folder["run.yaml"]}: there is such a file already. Choose another name with --output, or overwrite it with --force.", Assert.Throws<IOException>(() => Init.Write(options)).Message);
        Assert.Equal("mine", File.ReadAllText(folder["run.yaml"]));
        Init.Write(options with { Force = true });
        Assert.StartsWith("# A run for 'a.csv', written by understudy init.", File.ReadAllText(folder["run.yaml"]), StringComparison.Ordinal);
        Assert.Equal($"{folder.FullName}: expected the name of a run file to write, found a folder. Name a file in it with --output, for example {folder["run.yaml"]}.", Assert.Throws<IOException>(() => Init.Write(options with { Output = folder.FullName, Force = true })).Message);
    }

    private string Refused(InitOptions options) =>
        Assert.ThrowsAny<Exception>(() => Init.Write(options)).Message.Replace(folder.FullName + "/", "", StringComparison.Ordinal);
}
