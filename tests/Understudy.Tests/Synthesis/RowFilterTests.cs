using Understudy.Data;
using Understudy.Synthesis;

namespace Understudy.Tests.Synthesis;

public sealed class RowFilterTests
{
    private static readonly Example[] Seeds = [Row("s1", "Wake me up at seven tomorrow morning, please."), Row("s2", "Play some jazz.")];
    private static readonly Example[] Validation = [Row("v1", "What's the weather like in Paris?")];
    private static readonly Example[] Test = [Row("t1", "Could you tell me how long the drive to the airport takes right now"), Row("t2", "Turn it off.")];

    [Theory]
    [InlineData("a new sentence about nothing in particular", Verdict.Kept, "")]
    [InlineData("play SOME jazz!", Verdict.Duplicate, "It has the same words as seed 's2'.")]
    [InlineData("Wake me up at seven tomorrow morning, please, ok", Verdict.NearDuplicate, "Its word 3-grams are 0.86 similar to those of seed 's1'; near_duplicate is 0.7.")]
    [InlineData("turn it OFF", Verdict.Contaminated, "It has the same words as test row 't2'.")]
    [InlineData("Whats the weather like in Paris", Verdict.Contaminated, "It has the same words as validation row 'v1'.")]
    [InlineData("hey, tell me how long the drive to the airport takes", Verdict.Contaminated, "It shares 8 words in a row with test row 't1'.")]
    [InlineData("tell me how long the drive to the", Verdict.Contaminated, "It shares 8 words in a row with test row 't1'.")]
    [InlineData("tell me how long the drive to a town", Verdict.Kept, "")]
    [InlineData("hello", Verdict.TooShort, "It has 1 words, fewer than min_words 2.")]
    [InlineData("one two three four five six seven eight nine ten eleven twelve thirteen", Verdict.TooLong, "It has 13 words, more than max_words 12.")]
    public void Each_filter_gives_its_verdict_and_reason(string text, Verdict verdict, string reason)
    {
        var filter = new RowFilter(new FilterOptions { MinWords = 2, MaxWords = 12 }, Seeds, Validation, Test);
        Assert.Equal((verdict, reason), filter.Judge(Row("x", text), null));
    }

    [Fact]
    public void A_row_is_compared_with_the_rows_kept_before_it_and_not_with_rejected_ones()
    {
        var filter = new RowFilter(new FilterOptions { MinConfidence = 0.5 }, Seeds, Validation, Test);
        Dictionary<string, double> unsure = new() { ["a"] = 0.4, ["b"] = 0.3, ["c"] = 0.3 }, sure = new() { ["a"] = 0.8, ["b"] = 0.2 };
        Assert.Equal((Verdict.LowConfidence, "The teacher's probability 0.4 of 'a' is below min_confidence 0.5."), filter.Judge(Row("1", "a fresh text"), unsure));
        Assert.Equal(Verdict.Kept, filter.Judge(Row("2", "a fresh text"), sure).Verdict);
        Assert.Equal((Verdict.Duplicate, "It has the same words as the synthetic row '2'."), filter.Judge(Row("3", "A fresh text."), sure));
        Assert.Equal((Verdict.RelabelDisagrees, "The teacher labels it 'b' with probability 0.7, 'a' with 0.3."), filter.Judge(Row("4", "another text"), new Dictionary<string, double> { ["a"] = 0.3, ["b"] = 0.7 }));
        Assert.Equal(Verdict.QuotaFull, filter.Judge(Row("5", "one more of them"), sure, full: true).Verdict);
        Assert.Equal(Verdict.Kept, filter.Judge(Row("6", "one more of them"), sure).Verdict);
    }

    [Fact]
    public void Every_filter_can_be_switched_off()
    {
        var off = new FilterOptions { MinWords = 0, Decontaminate = false, Duplicates = false, NearDuplicate = null, RelabelDisagrees = false };
        string[] texts = ["play some jazz", "turn it off", "Wake me up at seven tomorrow morning please ok", "!"];
        foreach (var options in new[] { off, new FilterOptions { Enabled = false, MinWords = 9, MinConfidence = 1 } })
        {
            var filter = new RowFilter(options, Seeds, Validation, Test);
            Assert.All(texts.Concat(texts), text => Assert.Equal((Verdict.Kept, ""), filter.Judge(Row("x", text), new Dictionary<string, double> { ["a"] = 0.1, ["b"] = 0.9 })));
        }
    }

    [Fact]
    public void The_second_text_of_a_pair_counts()
    {
        Example[] test = [Row("t", "A short premise.") with { TextPair = "the bank raised its rates by half a point on friday" }];
        var filter = new RowFilter(new FilterOptions(), [Row("s", "same") with { TextPair = "one" }], [], test);
        Assert.Equal(Verdict.Contaminated, filter.Judge(Row("1", "new") with { TextPair = "it is said that the bank raised its rates by half a point" }, null).Verdict);
        Assert.Equal(Verdict.Kept, filter.Judge(Row("2", "same") with { TextPair = "another" }, null).Verdict);
        Assert.Equal(Verdict.Duplicate, filter.Judge(Row("3", "Same") with { TextPair = "One" }, null).Verdict);
        Assert.Equal(Verdict.Kept, filter.Judge(Row("4", "one") with { TextPair = "same" }, null).Verdict);
    }

    [Theory]
    [InlineData("Please e-mail John's list, to-day!", "please email johns list today", true)]
    [InlineData("CAFÉ au lait", "café  AU\tlait…", false)]
    [InlineData("it’s ten o'clock", "its ten oclock", false)]
    public void Words_are_compared_without_case_and_punctuation(string first, string second, bool joined) =>
        Assert.Equal(WordSequence.Of(first, joined).Whole(), WordSequence.Of(second, joined).Whole());

    [Theory]
    [InlineData("great 😀", "great 😡")]
    [InlineData("😀13", "😀😀13")]
    [InlineData("明天天气", "明天天氣")]
    public void Emoji_and_ideographs_tell_texts_apart(string first, string second)
    {
        Assert.NotEqual(WordSequence.Of(first).Whole(), WordSequence.Of(second).Whole());
        Assert.True(WordSequence.Of(first).Count > 1);
    }

    [Fact]
    public void Everything_planted_in_a_pool_is_found_and_nothing_else()
    {
        var random = new SeededRandom(5);
        string[] vocabulary = [.. Enumerable.Range(0, 900).Select(word => $"word{word}")];
        string Sentence(int words) => string.Join(' ', Enumerable.Range(0, words).Select(_ => vocabulary[random.NextInt(vocabulary.Length)]));
        Example[] test = [.. Enumerable.Range(0, 300).Select(row => Row($"t{row}", Sentence(5 + random.NextInt(15))))];
        Example[] pool = [.. Enumerable.Range(0, 3000).Select(row => Row($"p{row}", Sentence(6 + random.NextInt(15))))];
        var planted = new Dictionary<string, Verdict>();
        var mixed = new List<Example>(pool);
        for (var i = 0; i < 200; i++)
        {
            var own = pool[random.NextInt(pool.Length)].Text;
            var held = test[i].Text.Split(' ');
            // Behind everything else, so that the row it repeats has been seen.
            Plant($"dup{i}", own.ToUpperInvariant() + ".", Verdict.Duplicate);
            Plant($"near{i}", own + " " + vocabulary[i], Verdict.NearDuplicate);
            Plant($"test{i}", held.Length >= 8 ? Sentence(3) + " " + string.Join(", ", held[^8..]) : test[i].Text + "!", Verdict.Contaminated);
        }

        var filter = new RowFilter(new FilterOptions(), [], [], test);
        foreach (var row in mixed)
        {
            var (verdict, reason) = filter.Judge(row, null);
            var expected = planted.GetValueOrDefault(row.Id, Verdict.Kept);
            Assert.True(verdict == expected, $"{row.Id}: {verdict} instead of {expected}. {reason}");
        }

        void Plant(string id, string text, Verdict verdict)
        {
            mixed.Add(Row(id, text));
            planted[id] = verdict;
        }
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(0.7)]
    [InlineData(0.9)]
    [InlineData(1.0)]
    public void Near_duplicates_are_found_as_by_comparing_each_with_each(double threshold)
    {
        var random = new SeededRandom(11);
        var rows = new List<Example>();
        for (var i = 0; i < 150; i++)
        {
            var words = Enumerable.Range(0, 12 + random.NextInt(60)).Select(_ => $"w{random.NextInt(4000)}").ToArray();
            rows.Add(Row($"{i}", string.Join(' ', words)));
            words[^(1 + random.NextInt(4))] = "changed";
            rows.Add(Row($"{i}b", string.Join(' ', words[..(words.Length - random.NextInt(3))])));
        }

        var shingles = rows.ConvertAll(row => Shingles(row.Text));
        var index = new NearDuplicates(threshold);
        var (missed, pairs) = (0, 0);
        for (var i = 0; i < rows.Count; i++)
        {
            var best = Enumerable.Range(0, i).Select(other => Similarity(shingles[other], shingles[i])).DefaultIfEmpty().Max();
            var found = index.Find(rows[i]);
            if (best >= threshold)
            {
                pairs++;
                missed += found is null ? 1 : 0;
            }

            Assert.True(found is null || Math.Abs(found.Value.Similarity - best) < 1e-9);
            index.Add(rows[i], rows[i].Id);
        }

        Assert.True(pairs >= (threshold < 1 ? 40 : 0), $"only {pairs} pairs");
        Assert.Equal(0, missed);
    }

    [Fact]
    public void Options_out_of_range_are_refused() =>
        Assert.Equal(
            """
            min_words: expected at least 0, found -1.
            max_words: expected at least 1, found 0.
            contamination_ngram: expected at least 2, found 1.
            near_duplicate: expected a value above 0, at most 1, found 0.
            min_confidence: expected a value from 0 to 1, found 1.5.
            """,
            string.Join('\n', new FilterOptions { MinWords = -1, MaxWords = 0, ContaminationNgram = 1, NearDuplicate = 0, MinConfidence = 1.5 }.Validate()));

    private static double Similarity(HashSet<string> first, HashSet<string> second)
    {
        var shared = first.Count(second.Contains);
        return (double)shared / (first.Count + second.Count - shared);
    }

    private static HashSet<string> Shingles(string text)
    {
        var words = text.Split(' ');
        return [.. Enumerable.Range(0, words.Length - 2).Select(at => string.Join(' ', words[at..(at + 3)]))];
    }

    private static Example Row(string id, string text) => new() { Id = id, Text = text, Label = "a" };
}
