Console.WriteLine("understudy");
return 0;
