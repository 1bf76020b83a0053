using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>BERT's masked-language-model head, whose names differ from RoBERTa's.</summary>
public sealed class BertForMaskedLMTests
{
    [Fact]
    public void The_head_is_transform_norm_and_the_embedding_turned_round()
    {
        using var scope = torch.NewDisposeScope();
        using var grad = torch.no_grad();
        using var folder = new TemporaryFolder();
        var config = TinyClassifier.Config("bert") with { HiddenAct = "relu", Labels = [] };
        using (var made = new BertForMaskedLM(config, new RandomParameters(1, 0.3)))
        {
            PretrainedFolder.Save(made, folder.FullName);
        }

        using var model = Assert.IsType<BertForMaskedLM>(AutoModel.Load(folder.FullName));
        using var encoder = AutoModel.LoadEncoder(folder.FullName);
        Tensor Weight(string name) => model.Parameters.Single(parameter => parameter.Name == name).Value;
        var ids = torch.tensor(new long[] { 2, 9, 5, 3 }, 1, 4);
        var inner = nn.functional.relu(nn.functional.linear(encoder.Hidden(ids), Weight("cls.predictions.transform.dense.weight"), Weight("cls.predictions.transform.dense.bias")));
        inner = nn.functional.layer_norm(inner, [16], Weight("cls.predictions.transform.LayerNorm.weight"), Weight("cls.predictions.transform.LayerNorm.bias"), 1e-12);
        var expected = inner.matmul(Weight("bert.embeddings.word_embeddings.weight").t()) + Weight("cls.predictions.bias");
        Assert.Equal(expected.ToArray<float>(), model.Forward(ids).ToArray<float>(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.DoesNotContain(model.Parameters, parameter => parameter.Name.Contains("decoder", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bert", "cls.predictions.decoder.weight")]
    [InlineData("roberta", "lm_head.decoder.weight")]
    public void An_output_that_is_not_tied_is_a_weight_of_its_own(string type, string name)
    {
        using var model = new BertForMaskedLM(TinyClassifier.Config(type) with { TieWordEmbeddings = false }, new RandomParameters(1));
        Assert.Contains(model.Parameters, parameter => parameter.Name == name);
    }
}
