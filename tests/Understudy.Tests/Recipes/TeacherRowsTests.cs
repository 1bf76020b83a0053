using Understudy.Data;
using Understudy.Generation;
using Understudy.Recipes;
using Understudy.Tokenization;

namespace Understudy.Tests.Recipes;

public sealed class TeacherRowsTests
{
    private static readonly Tokenizer Tokenizer = BpeTrainer.Train(["a b c"], new BpeTrainerOptions { VocabularySize = 257, SpecialTokens = [new AddedToken { Content = "<|endoftext|>", Special = true }] });
    private static readonly ClassificationTask Task = new(new TaskOptions(), new LabelSet(["yes", "no"]));
    private static readonly Example Long = new() { Id = "1", Text = new string('x', 100), Label = "no" };

    [Fact]
    public void A_row_that_is_too_long_loses_the_beginning_of_its_text_and_keeps_its_label()
    {
        var rows = new TeacherRows(Tokenizer, Task, 0, 0, 20);
        var row = rows.Labelled(Long, 0.5, 1);
        // Room is kept for the longest label, " yes" and the end; " no" is a token shorter.
        Assert.Equal(19, row.Ids.Length);
        Assert.Equal(rows.LabelTokens[1], row.Ids[^4..]);
        Assert.Equal([.. Enumerable.Repeat(0.5f, 15), .. Enumerable.Repeat(1f, 4)], row.Weights);
    }

    [Fact]
    public void Rows_without_room_for_a_label_are_refused()
    {
        _ = new TeacherRows(Tokenizer, Task, 0, 0, 7);
        Assert.Equal(
            "The longest label has 5 tokens with its end, so a row of at most 6 tokens has no room for a text. Raise 'teacher.tune.max_length' as far as the model allows, or shorten 'task.label_words' or 'task.completion'.",
            Assert.Throws<InvalidDataException>(() => new TeacherRows(Tokenizer, Task, 0, 0, 6)).Message);
    }

    [Fact]
    public void A_bad_word_is_forbidden_with_and_without_a_space_before_it()
    {
        var rows = new TeacherRows(Tokenizer, Task, 0, 0, 64);
        var words = TextWriting.BadWords(new SamplingOptions { BadWords = ["ab"] }, rows);
        Assert.Equal([rows.Encode("ab"), rows.Encode(" ab")], words);
        Assert.Equal([2, 3], words.Select(tokens => tokens.Count));
    }
}
