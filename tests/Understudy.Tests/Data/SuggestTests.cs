using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class SuggestTests
{
    [Theory]
    [InlineData("epoch", " Did you mean 'epochs'?")]
    [InlineData("LearningRate", " Did you mean 'learning_rate'?")]
    [InlineData("lable", " Did you mean 'label'?")]
    [InlineData("zzz", "")]
    [InlineData("k", "")]
    [InlineData("", "")]
    public void The_nearest_known_name_is_offered_when_it_is_near_enough(string wrong, string expected) =>
        Assert.Equal(expected, Suggest.DidYouMean(wrong, ["epochs", "learning_rate", "label", "x"]));

    [Theory]
    [InlineData("label", "label", 0)]
    [InlineData("lable", "label", 1)]
    [InlineData("", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    public void Distance_counts_edits_and_swaps(string a, string b, int expected) => Assert.Equal(expected, Suggest.Distance(a, b));

    [Fact]
    public void A_fault_seen_from_outside_has_the_whole_key_path()
    {
        Assert.Equal("data.columns.text: wrong", new OptionFault("text", "wrong").Under("columns").Under("data").ToString());
        Assert.Equal("sources[2]: wrong", new OptionFault("[2]", "wrong").Under("sources").ToString());
        Assert.Equal("task", new OptionFault("", "wrong").Under("task").KeyPath);
    }
}
