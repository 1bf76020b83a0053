using System.Text.RegularExpressions;
using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed partial class DemoDataTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "samples", "demo");
    private static readonly ColumnMap Columns = new() { Label = "intent" };

    private static Example[] Labelled(string name) => [.. ExampleReader.Read(new() { Path = Path.Combine(Folder, name) }, labelled: true, Columns)];

    private static string[] Pool() => [.. TextLines.Read(Path.Combine(Folder, "unlabelled.txt"))];

    [Fact]
    public void Seeds_and_test_have_the_same_twelve_intents_in_equal_parts()
    {
        var (seeds, test) = (Labelled("seeds.jsonl"), Labelled("test.jsonl"));
        Assert.Equal((120, 432, 1664), (seeds.Length, test.Length, Pool().Length));
        Assert.Equal(12, LabelSet.Infer(seeds).Count);
        Assert.Equal(LabelSet.Infer(seeds), LabelSet.Infer(test));
        Assert.All(seeds.CountBy(row => row.Label!), intent => Assert.Equal(10, intent.Value));
        Assert.All(test.CountBy(row => row.Label!), intent => Assert.Equal(36, intent.Value));
    }

    [Fact]
    public void No_sentence_stands_twice_whatever_its_capitals_and_punctuation()
    {
        var all = Labelled("seeds.jsonl").Concat(Labelled("test.jsonl")).Select(row => row.Text).Concat(Pool());
        Assert.Empty(all.GroupBy(text => string.Join(' ', Words(text))).Where(group => group.Count() > 1).Select(group => group.Key));
    }

    [Fact]
    public void No_eight_words_of_a_test_sentence_stand_anywhere_else()
    {
        var elsewhere = Labelled("seeds.jsonl").Select(row => row.Text).Concat(Pool()).SelectMany(text => Runs(text, 8)).ToHashSet();
        Assert.NotEmpty(elsewhere);
        Assert.DoesNotContain(Labelled("test.jsonl").SelectMany(row => Runs(row.Text, 8)), elsewhere.Contains);
    }

    [Fact]
    public void The_read_me_states_the_counts_and_names_every_intent()
    {
        var text = File.ReadAllText(Path.Combine(Folder, "README.md"));
        Assert.Contains("| `seeds.jsonl` | 120 |", text, StringComparison.Ordinal);
        Assert.Contains("| `test.jsonl` | 432 |", text, StringComparison.Ordinal);
        Assert.Contains("| `unlabelled.txt` | 1664 |", text, StringComparison.Ordinal);
        Assert.All(LabelSet.Infer(Labelled("seeds.jsonl")), intent => Assert.Contains($"| `{intent}` |", text, StringComparison.Ordinal));
    }

    private static string[] Words(string text) => [.. Word().Matches(text.ToLowerInvariant().Replace("'", "", StringComparison.Ordinal)).Select(word => word.Value)];

    private static IEnumerable<string> Runs(string text, int length)
    {
        var words = Words(text);
        for (var i = 0; i + length <= words.Length; i++)
            yield return string.Join(' ', words[i..(i + length)]);
    }

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
