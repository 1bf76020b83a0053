using System.Text.Json;
using Understudy.Data;
using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class CorpusOverlapTests
{
    [Fact]
    public void What_overlaps_with_test_rows_or_files_is_left_out_and_written_down()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["other.jsonl"], ["""{"id": "x", "question": "which animal lives behind the old mill", "options": ["a fox", {"text": "nobody at all"}], "n": 3}"""]);
        var data = Data(folder);
        var horses = string.Concat(Enumerable.Repeat("\U0001F40E", 150));
        string[] kept = ["A text of its own.", "Please play some", "which animal lives behind a new mill"];
        List<string> documents =
        [
            kept[0], "Well then: PLEASE play some music in the kitchen now!", kept[1], "Which animal lives, behind the old mill?", "A fox.", kept[2], "Nobody at all",
            // Cut short in the middle of a pair of surrogates, no JSON would hold it.
            "a" + horses + " please play some music in the kitchen",
        ];
        var left = ToyText.In(context => CorpusOverlap.Remove(documents, new DecontaminationOptions { Files = [folder["other.jsonl"]], Ngram = 7 }, data, folder["removed.jsonl"], context));
        Assert.Equal(kept, left);
        var removed = File.ReadAllLines(folder["removed.jsonl"]).Select(line => JsonDocument.Parse(line).RootElement).Select(row => (row.GetProperty("text").GetString(), row.GetProperty("reason").GetString())).ToArray();
        Assert.Equal(
            [
                (documents[1], "It shares 7 words in a row with test row 't1'."),
                (documents[3], "It has the same words as line 1 of other.jsonl."),
                (documents[4], "It has the same words as line 1 of other.jsonl."),
                (documents[6], "It has the same words as line 1 of other.jsonl."),
                ("a" + string.Concat(Enumerable.Repeat("\U0001F40E", 99)), "It shares 7 words in a row with test row 't1'."),
            ],
            removed);
    }

    [Fact]
    public void Without_data_and_files_nothing_is_left_out()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(["a", "b"], ToyText.In(context => CorpusOverlap.Remove(["a", "b"], new DecontaminationOptions(), null, folder["removed.jsonl"], context)));
        Assert.Empty(File.ReadAllText(folder["removed.jsonl"]));
    }

    [Fact]
    public void A_file_that_is_no_JSON_Lines_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllLines(folder["plain.txt"], ["{\"text\": \"a\"}", "plain text"]);
        var error = Assert.Throws<InvalidDataException>(() => ToyText.In(context => CorpusOverlap.Remove(["a"], new DecontaminationOptions { Files = [folder["plain.txt"]] }, null, folder["removed.jsonl"], context)));
        Assert.StartsWith($"{folder["plain.txt"]}, line 2: expected a JSON object with texts, found something else (", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("). 'pretrain.decontaminate.files' takes JSON Lines.", error.Message, StringComparison.Ordinal);
    }

    private static DataSets Data(TemporaryFolder folder)
    {
        File.WriteAllText(folder["train.csv"], "id,text,label\n1,something,a\n2,something else,b\n");
        File.WriteAllText(folder["test.csv"], "id,text,label\nt1,please play some music in the kitchen,a\n");
        return DataSets.Load(new DataOptions { Train = new DataSourceOptions { Path = folder["train.csv"] }, Test = new DataSourceOptions { Path = folder["test.csv"] }, Columns = new ColumnMap { Id = "id", Text = "text", Label = "label" } }, 1);
    }
}
