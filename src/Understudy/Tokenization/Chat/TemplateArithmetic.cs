using System.Text;

namespace Understudy.Tokenization.Chat;

/// <summary>Python's operators between two values.</summary>
internal static class TemplateArithmetic
{
    public static object? Apply(string name, object? left, object? right, TemplateContext context)
    {
        if (name == "~") return context.Text(left) + context.Text(right);
        switch (name, left, right)
        {
            case ("+", string a, string b): return a + b;
            case ("+", List<object?> a, List<object?> b): return a.Concat(b).ToList();
            case ("*", string text, long or bool): return Repeat(text, TemplateValue.Integer(right), context);
            case ("*", long or bool, string text): return Repeat(text, TemplateValue.Integer(left), context);
            case (_, UndefinedValue undefined, _): throw undefined.Fault();
            case (_, _, UndefinedValue undefined): throw undefined.Fault();
            case (_, bool or long or double, bool or long or double): return Numbers(name, left, right);
            default: throw new TemplateFault($"applies '{name}' to {TemplateValue.Kind(left)} and {TemplateValue.Kind(right)}, which is not supported.");
        }
    }

    private static object Numbers(string name, object left, object right)
    {
        try
        {
            if (name == "/") return TemplateValue.Double(left) / Divisor(TemplateValue.Double(right));
            if (left is double || right is double || (name == "**" && TemplateValue.Integer(right) < 0))
            {
                var (a, b) = (TemplateValue.Double(left), TemplateValue.Double(right));
                return name switch
                {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    "//" => Math.Floor(a / Divisor(b)),
                    "%" => a - (Math.Floor(a / Divisor(b)) * b),
                    _ => Math.Pow(a, b),
                };
            }
            var (m, n) = (TemplateValue.Integer(left), TemplateValue.Integer(right));
            return name switch
            {
                "+" => checked(m + n),
                "-" => checked(m - n),
                "*" => checked(m * n),
                "//" => FloorDivide(m, n),
                "%" => m - checked(FloorDivide(m, n) * n),
                _ => Power(m, n),
            };
        }
        catch (OverflowException)
        {
            throw new TemplateFault($"computes with '{name}' a number that 64 bits cannot hold.");
        }
    }

    private static double Divisor(double value) => value != 0 ? value : throw new TemplateFault("divides by 0.");

    private static long FloorDivide(long dividend, long divisor)
    {
        if (divisor == 0) throw new TemplateFault("divides by 0.");
        var quotient = checked(dividend / divisor);
        return dividend % divisor != 0 && (dividend < 0) != (divisor < 0) ? quotient - 1 : quotient;
    }

    private static long Power(long number, long exponent)
    {
        if (number is 0 or 1 or -1) exponent = exponent == 0 ? 0 : 2 - (exponent % 2);
        var power = 1L;
        for (; exponent > 0; exponent--) power = checked(power * number);
        return power;
    }

    private static string Repeat(string text, long count, TemplateContext context)
    {
        if (count <= 0 || text.Length == 0) return "";
        context.Spend(count > int.MaxValue ? long.MaxValue : text.Length * count);
        return new StringBuilder().Insert(0, text, (int)count).ToString();
    }
}
